//! The responses of handlers.

use super::channel_state::ChannelState;
use super::label::Label;
use super::layers::Steps;
use super::outcome::Outcome;
use super::shared::{ChannelBinding, Shared};
use super::tasks::RunningKey;
use crate::error::{ServiceError, TooLarge};
use crate::proto::{ChannelKey, Rejection, RequestId, Role, code, encode, shown_name};
use crate::transport::Output;
use serde::Serialize;
use std::convert::Infallible;
use std::error::Error as _;
use std::fmt;
use std::sync::Arc;

/// Writes a handler's response into the transport's output.
///
/// A response follows all frames that the handler has queued before it [P-95].
pub struct Answers<'d> {
    pub(crate) shared: &'d Arc<Shared>,
    pub(super) output: &'d mut Output,
    pub(super) progress: &'d mut Progress,
}

/// The progress of a handler during one poll.
#[derive(Default)]
pub(crate) struct Progress {
    /// The key of the handler, unless this is its first poll.
    handler: Option<RunningKey>,
    /// True once a frame was written.
    answered: bool,
    /// The channel of the response, if the handler continues while it is open.
    pub(crate) opened: Option<Opened>,
    pub(super) layers: LayerProgress,
    /// The outcome that was last known. Recorded if calls are observed, or a layer waits for it.
    pub(super) outcome: Option<Outcome>,
    /// The length of all frames that were written.
    pub(super) response_bytes: usize,
}

/// The progress of the layers of a call during one poll.
#[derive(Clone, Copy, Default)]
pub(super) struct LayerProgress {
    /// True while a layer polls the rest of its call.
    pub(super) is_nested: bool,
    /// True if the handler behind a layer has responded or was handed an event, and its layer continues.
    pub(super) is_handled: bool,
    /// True if the stream behind a layer has ended, and the layer continues.
    pub(super) stream_ended: bool,
}

/// A channel that a handler has opened in response to its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    pub(crate) channel: ChannelKey,
    pub(crate) role: Role,
}

impl Progress {
    /// The progress of a handler that was pending before.
    pub(crate) fn for_handler(handler: RunningKey) -> Self {
        Self { handler: Some(handler), ..Self::default() }
    }
}

/// The rejection of an event whose handler answers with `what`.
pub(crate) fn no_answer(event: &str, what: &str) -> Rejection {
    let text = format!("`{event}` answers with {what}, and an event has no answer");
    Rejection::new(text).with_code(code::BAD_ARGUMENTS)
}

impl<'d> Answers<'d> {
    pub(crate) fn new(shared: &'d Arc<Shared>, output: &'d mut Output, progress: &'d mut Progress) -> Self {
        Self { shared, output, progress }
    }

    /// Records the outcome of the call, if calls are observed or a layer waits for it.
    #[inline]
    pub(crate) fn record(&mut self, outcome: impl FnOnce() -> Outcome) {
        if self.shared.observes_calls() || self.progress.layers.is_nested {
            self.progress.outcome = Some(outcome());
        }
    }

    /// Writes the response of a finished handler, if its call was a request.
    pub(crate) fn finish<T: Response>(&mut self, call: &Answering, outcome: Result<T, Rejection>) {
        // Replaced if the value opens a channel or cannot be sent.
        self.record(|| Outcome::Ok);
        match outcome {
            Ok(value) => value.answer(self, call),
            Err(rejection) => self.fail(call, &rejection),
        }
    }

    /// Responds with a channel that stays open after the handler has finished.
    pub(crate) fn channel(&mut self, call: &Answering, channel_state: &Arc<ChannelState>) {
        if let Some(error) = channel_state.open_error(self.shared.id) {
            return self.fail(call, &error);
        }
        if let Some(steps) = &call.inherited {
            channel_state.inherit(steps);
        }
        match self.open(call, Role::Plain, ChannelBinding::State(Arc::clone(channel_state))) {
            Ok((channel, _)) => {
                self.progress.opened = None;
                channel_state.open_with_early_events(self.shared, channel);
                if channel_state.is_closed() {
                    // A handle in another task has closed it in the meantime.
                    self.shared.abort_channel(channel, None);
                }
            }
            Err(rejection) => {
                channel_state.close(self.shared, rejection.clone());
                self.fail(call, &rejection);
            }
        }
    }

    /// Responds with a channel, for a handler that continues. Also returns the key of the inbox, if the channel has
    /// one.
    pub(crate) fn open(
        &mut self,
        call: &Answering,
        role: Role,
        binding: ChannelBinding,
    ) -> Result<(ChannelKey, Option<usize>), Rejection> {
        let Some(id) = call.id else {
            return Err(no_answer(&call.event, "a channel"));
        };
        let opened = self.shared.open_channel(id, role, binding, self.progress.handler);
        let (channel, inbox) = opened?;
        self.write_plain(|out| encode::channel(out, id));
        if role == Role::Plain {
            self.record(|| Outcome::ChannelOpened);
        }
        self.progress.opened = Some(Opened { channel, role });
        Ok((channel, inbox))
    }

    /// Returns true if the output has capacity.
    pub(crate) fn has_capacity(&self) -> bool {
        self.output.len() < self.shared.endpoint.limits.max_outbound_bytes
    }

    /// Writes the response of a finished handler whose result is a value.
    pub(crate) fn value<T: Serialize>(&mut self, call: &Answering, value: &T) {
        let Some(id) = call.id else { return };
        match self.write(call.hint, |out| encode::result(out, id, value)) {
            Ok(()) => {}
            Err(WriteError::TooLarge(too_large)) => {
                self.reject(id, &too_large.rejection());
                self.shared.report(&too_large.error(&call.event));
            }
            Err(WriteError::Encode(source)) => {
                self.reject(id, &Rejection::internal(source.to_string()));
                self.shared.report(&ServiceError::Encode { event: call.event.to_string(), source });
            }
        }
    }

    /// Reports the source of an internal error locally. The peer does not receive it.
    pub(crate) fn report(&self, call: &Answering, rejection: &Rejection) {
        if let Some(source) = rejection.shared_source() {
            self.shared.report(&ServiceError::Internal { event: call.event.to_string(), source });
        }
    }

    /// Rejects the call of a failed handler. A failed event is reported locally.
    fn fail(&mut self, call: &Answering, rejection: &Rejection) {
        self.record(|| Outcome::rejected(rejection));
        self.report(call, rejection);
        if call.id.is_none() && rejection.source().is_none() {
            let reason = rejection.clone();
            self.shared.report(&ServiceError::EventFailed { event: call.event.to_string(), reason });
        }
        if let Some(id) = call.id {
            self.reject(id, rejection);
        }
    }

    /// Rejects a request. A rejection that is too large is replaced by one that says so.
    pub(crate) fn reject(&mut self, id: RequestId, rejection: &Rejection) {
        self.record(|| Outcome::rejected(rejection));
        if let Some(replaced) = self.write_rejection(id, rejection) {
            self.record(|| Outcome::rejected(&replaced));
        }
    }

    /// Rejects a request whose handler was logged before. Returns the rejection that replaced one that is too large.
    pub(crate) fn write_rejection(&mut self, id: RequestId, rejection: &Rejection) -> Option<Rejection> {
        let written = self.write(0, |out| {
            encode::rejection(out, id, rejection);
            Ok::<(), Infallible>(())
        });
        let Err(WriteError::TooLarge(too_large)) = written else { return None };
        let rejection = too_large.rejection();
        self.write_plain(|out| encode::rejection(out, id, &rejection));
        Some(rejection)
    }

    /// Rejects a call whose handler was not started. An event is dropped and reported locally.
    pub(crate) fn refuse(&mut self, id: Option<RequestId>, event: &str, channel: Option<&str>, reason: Rejection) {
        match id {
            Some(id) => self.reject(id, &reason),
            None => {
                self.record(|| Outcome::rejected(&reason));
                let (event, channel) =
                    (shown_name(event).into_owned(), channel.map(|name| shown_name(name).into_owned()));
                self.shared.count_dropped_event();
                self.shared.report(&ServiceError::EventDropped { event, channel, reason });
            }
        }
    }

    /// Reports a handler that panicked, and rejects its request if nothing was answered.
    #[cold]
    pub(crate) fn panicked(&mut self, id: Option<RequestId>, event: &str, message: String) {
        self.shared.report(&ServiceError::Panicked { event: event.to_owned(), message });
        if let (Some(id), false) = (id, self.progress.answered) {
            self.reject(id, &Rejection::internal_error());
        }
        self.record(|| Outcome::Panicked);
    }

    /// Writes a small frame whose encoding cannot fail.
    pub(crate) fn write_plain(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let written = self.put(0, |out| {
            write(out);
            Ok::<(), Infallible>(())
        });
        match written {
            Ok(()) => {}
        }
    }

    /// Writes a frame, behind all frames that are queued. `hint` guesses its length. Nothing remains of a frame that
    /// cannot be encoded or is too large.
    pub(crate) fn write<E>(
        &mut self,
        hint: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), WriteError<E>> {
        let limit = self.shared.endpoint.limits.max_outgoing_message_size;
        self.put(hint, |out| {
            let start = out.len();
            write(out).map_err(WriteError::Encode)?;
            TooLarge::check(out.len() - start, limit).map_err(WriteError::TooLarge)
        })
    }

    /// Writes a frame of any size.
    fn put<E>(&mut self, hint: usize, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let mut bytes = 0;
        let write = |out: &mut Vec<u8>| {
            let start = out.len();
            write(out)?;
            bytes = out.len() - start;
            Ok(())
        };
        if self.has_capacity() && !self.shared.observes_sent() {
            self.shared.drain(self.output);
            self.output.text(hint, write)?;
        } else {
            self.put_copy(write)?;
        }
        self.progress.answered = true;
        self.progress.response_bytes += bytes;
        Ok(())
    }

    /// Writes a frame that was encoded apart, because observers see it, or because the peer does not
    /// read, so that it is queued behind the other frames.
    #[cold]
    fn put_copy<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let mut frame = Vec::new();
        let has_capacity = self.has_capacity();
        if has_capacity {
            self.shared.drain(self.output);
        }
        write(&mut frame)?;
        if has_capacity {
            self.output.plain_text(frame.len(), |out| out.extend_from_slice(&frame));
            self.shared.observe_sent(&frame);
        } else {
            self.shared.respond(frame);
        }
        Ok(())
    }
}

/// An error of writing a frame.
pub(crate) enum WriteError<E> {
    Encode(E),
    TooLarge(TooLarge),
}

/// A value that a handler can respond with.
///
/// Implemented for all types that serde encodes, for a [`Scoped`](crate::Scoped) service and for an
/// [`AnonymousChannel`](crate::AnonymousChannel).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a response",
    label = "not encodable as JSON",
    note = "for a type of your own, add `#[derive(serde::Serialize)]`",
    note = "a stream is returned as `impl Stream<Item = T> + Send`, a service as `Scoped<dyn Trait>`"
)]
pub trait Response {
    /// Writes the response.
    #[doc(hidden)]
    fn answer(self, answers: &mut Answers<'_>, call: &Answering);
}

impl<T: Serialize> Response for T {
    fn answer(self, answers: &mut Answers<'_>, call: &Answering) {
        answers.value(call, &self);
    }
}

/// The call that a handler responds to.
#[derive(Clone, Debug)]
pub struct Answering {
    pub(crate) id: Option<RequestId>,
    pub(crate) event: Label,
    /// The length of the call's frame, as a guess at the length of the response.
    pub(crate) hint: usize,
    /// The steps of calls on a channel that is the response.
    pub(crate) inherited: Option<Steps>,
}

impl fmt::Debug for Answers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("opened", &self.progress.opened).finish_non_exhaustive()
    }
}
