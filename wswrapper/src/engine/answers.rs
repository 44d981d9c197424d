//! Where a handler's answer goes.

use super::channel_state::ChannelState;
use super::label::Label;
use super::shared::{ChannelBinding, Shared};
use super::tasks::RunningKey;
use crate::error::PeerError;
use crate::proto::{ChannelKey, Rejection, RequestId, Role, encode};
use crate::transport::Output;
use serde::Serialize;
use std::convert::Infallible;
use std::error::Error as _;
use std::fmt;
use std::sync::Arc;

/// Writes answers into the transport's output, after whatever the handler sent before it [P-95].
pub struct Answers<'d> {
    shared: &'d Arc<Shared>,
    pub(super) output: &'d mut Output,
    pub(super) progress: &'d mut Progress,
}

/// How far a handler got while it was polled.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Progress {
    /// Which one it is, if it has waited before.
    handler: Option<RunningKey>,
    /// Whether anything was answered.
    answered: bool,
    /// The channel that it has answered with and goes on for.
    pub(crate) opened: Option<Opened>,
}

/// A channel that a handler has answered with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    pub(crate) channel: ChannelKey,
    pub(crate) role: Role,
}

impl Progress {
    /// Of a handler that has waited.
    pub(crate) fn for_handler(handler: RunningKey) -> Self {
        Self { handler: Some(handler), ..Self::default() }
    }

    /// A channel was opened before the handler was first polled.
    pub(crate) fn opened(opened: Option<Opened>) -> Self {
        Self { opened, answered: opened.is_some(), ..Self::default() }
    }
}

impl<'d> Answers<'d> {
    pub(crate) fn new(shared: &'d Arc<Shared>, output: &'d mut Output, progress: &'d mut Progress) -> Self {
        Self { shared, output, progress }
    }

    /// The end of a handler: its answer, if it was a request.
    pub(crate) fn finish<T: Response>(&mut self, call: &Answering, outcome: Result<T, Rejection>) {
        match outcome {
            Ok(value) => value.answer(self, call),
            Err(rejection) => self.fail(call, &rejection),
        }
    }

    /// Answers with a channel that goes on by itself.
    pub(crate) fn channel(&mut self, call: &Answering, channel_state: &Arc<ChannelState>) {
        if let Some(error) = channel_state.open_error(self.shared.id) {
            return self.fail(call, &Rejection::new(error));
        }
        match self.open(call, Role::Plain, ChannelBinding::State(Arc::clone(channel_state))) {
            Ok((channel, _)) => {
                self.progress.opened = None;
                channel_state.open(channel);
                if channel_state.is_closed() {
                    // Meanwhile, by a handle in another task.
                    self.shared.abort_channel(channel, None);
                }
            }
            Err(rejection) => {
                channel_state.close(self.shared, rejection.clone());
                self.fail(call, &rejection);
            }
        }
    }

    /// Answers with a channel, for a handler that goes on; also gives the channel's inbox, if it has one.
    pub(crate) fn open(
        &mut self,
        call: &Answering,
        role: Role,
        binding: ChannelBinding,
    ) -> Result<(ChannelKey, Option<usize>), Rejection> {
        let Some(id) = call.id else {
            let event = &*call.event;
            return Err(Rejection::new(format!("`{event}` answers with a channel, and an event has no answer")));
        };
        let opened = self.shared.open_channel(id, role, binding, self.progress.handler);
        let (channel, inbox) = opened.map_err(Rejection::from_display)?;
        self.write_plain(0, |out| encode::channel(out, id));
        self.progress.opened = Some(Opened { channel, role });
        Ok((channel, inbox))
    }

    /// Whether the connection takes more output now.
    pub(crate) fn has_capacity(&self) -> bool {
        self.output.len() < self.shared.endpoint.limits.outbound_bytes
    }

    /// The end of a handler whose answer is a value.
    pub(crate) fn value<T: Serialize>(&mut self, call: &Answering, value: &T) {
        let Some(id) = call.id else { return };
        if let Err(source) = self.write(call.hint, |out| encode::result(out, id, value)) {
            self.reject(id, &Rejection::internal(source.to_string()));
            self.shared.report(&PeerError::Encode { event: call.event.to_string(), source });
        }
    }

    /// Tells this end the truth about an error that the other end must not see.
    pub(crate) fn report(&self, call: &Answering, rejection: &Rejection) {
        if let Some(source) = rejection.source() {
            let source = source.to_string().into();
            self.shared.report(&PeerError::Internal { event: call.event.to_string(), source });
        }
    }

    fn fail(&mut self, call: &Answering, rejection: &Rejection) {
        self.report(call, rejection);
        if call.id.is_none() && rejection.source().is_none() {
            let reason = rejection.clone();
            self.shared.report(&PeerError::EventFailed { event: call.event.to_string(), reason });
        }
        if let Some(id) = call.id {
            self.reject(id, rejection);
        }
    }

    /// Rejects a request.
    pub(crate) fn reject(&mut self, id: RequestId, rejection: &Rejection) {
        self.write_plain(0, |out| encode::rejection(out, id, rejection));
    }

    /// The end of a handler that panicked.
    #[cold]
    pub(crate) fn panicked(&mut self, id: Option<RequestId>, event: &str, message: String) {
        self.shared.report(&PeerError::Panicked { event: event.to_owned(), message });
        if let (Some(id), false) = (id, self.progress.answered) {
            self.reject(id, &Rejection::internal_error());
        }
    }

    pub(crate) fn write_plain(&mut self, hint: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let written = self.write(hint, |out| {
            write(out);
            Ok::<(), Infallible>(())
        });
        match written {
            Ok(()) => {}
        }
    }

    pub(crate) fn write<E>(&mut self, hint: usize, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        if self.has_capacity() {
            self.shared.drain(self.output);
            self.output.text(hint, write)?;
        } else {
            // The peer does not read: the answer waits behind what was sent before it.
            let mut frame = Vec::new();
            write(&mut frame)?;
            self.shared.respond(frame);
        }
        self.progress.answered = true;
        Ok(())
    }
}

/// What a handler can answer with: whatever serde encodes, a [`Scoped`](crate::Scoped) service, an
/// [`AnonymousChannel`](crate::AnonymousChannel).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a response",
    label = "not encodable as JSON",
    note = "for a type of your own, add `#[derive(serde::Serialize)]`",
    note = "a stream is returned as `impl Stream<Item = T> + Send`, a service as `Scoped<dyn Trait>`"
)]
pub trait Response {
    /// Writes the answer.
    #[doc(hidden)]
    fn answer(self, answers: &mut Answers<'_>, call: &Answering);
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> Response for T {
    fn answer(self, answers: &mut Answers<'_>, call: &Answering) {
        answers.value(call, &self);
    }
}

/// The call that is being answered.
#[derive(Clone, Debug)]
pub struct Answering {
    pub(crate) id: Option<RequestId>,
    pub(crate) event: Label,
    /// The length of its frame: a guess at that of the answer.
    pub(crate) hint: usize,
}

impl fmt::Debug for Answers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("progress", &self.progress).finish_non_exhaustive()
    }
}
