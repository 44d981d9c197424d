//! Decodes frames, starts the handlers of calls, polls running handlers and stops them.

use super::Driver;
use super::reading::TURN_MESSAGES;
use crate::catch_panic::{catch_panic, drop_catching_panic};
use crate::engine::answers::{Answers, Progress};
use crate::engine::call_log::CallLog;
use crate::engine::channel_state::ChannelState;
use crate::engine::handler::{BadCall, Handler, Start, Started};
use crate::engine::label::Label;
use crate::engine::layers::{CallView, FirstLayer, Steps, asked, pass_guards};
use crate::engine::observer::Interest;
use crate::engine::outcome::Outcome;
use crate::engine::poll_watch::PollWatch;
use crate::engine::router::Lookup;
use crate::engine::shared::{Action, Mode};
use crate::engine::tasks::{RunningHandler, RunningKey};
use crate::proto::{Address, Call, ChannelKey, Message, Reason, Rejection, Role, code};
use crate::rt::Instant;
use crate::transport::{Text, Transport};
use std::sync::Arc;
use std::task::{Context, Poll};

/// A received frame.
#[derive(Clone, Copy)]
struct Received<'f> {
    text: &'f Text,
    /// The time of its arrival.
    at: Instant,
    /// True if it was held before.
    was_held: bool,
}

/// Returns the time until which the caller of a request waits.
#[inline]
fn deadline(received: &Received<'_>, call: &Call<'_>) -> Option<Instant> {
    call.caller_timeout().and_then(|wait| received.at.checked_add(wait))
}

/// The way of a call through the steps before the lookup of its handler.
enum Passed<'s> {
    All,
    /// It has met a layer, which gets the name of the event.
    ToLayer(Label, FirstLayer<'s>),
    /// A guard has panicked, and the call was rejected.
    Rejected,
}

impl<T: Transport> Driver<T> {
    /// Decodes a new frame and handles its message.
    #[inline]
    pub(super) fn handle_text(&mut self, cx: &mut Context<'_>, text: &Text, received_at: Instant) {
        self.tell_received(text);
        self.handle_received(cx, &Received { text, at: received_at, was_held: false });
    }

    /// Tells the observers, if there are any, of a received message.
    #[inline]
    pub(super) fn tell_received(&self, text: &Text) {
        if self.shared.endpoint.observers.any_interest(Interest::RECEIVED_MESSAGES) {
            self.shared.observe_received(text);
        }
    }

    /// Handles a frame that comes out of the backlog.
    pub(super) fn handle_held_text(&mut self, cx: &mut Context<'_>, text: &Text, received_at: Instant) {
        self.handle_received(cx, &Received { text, at: received_at, was_held: true });
    }

    #[inline]
    fn handle_received(&mut self, cx: &mut Context<'_>, received: &Received<'_>) {
        self.handle_message(cx, received, &Message::decode(received.text));
    }

    fn handle_message(&mut self, cx: &mut Context<'_>, received: &Received<'_>, message: &Message<'_>) {
        match message {
            // The caller no longer waits. Checked before the lookup, because that takes out a one-shot handler. The
            // clock is read only for a call with a timeout.
            Message::Call(call) if deadline(received, call).is_some_and(|deadline| deadline <= Instant::now()) => {
                self.tell_not_started(received, call, &mut Progress::default());
            }
            Message::Call(call) if matches!(call.address, Address::Main | Address::Named(_)) => {
                self.serve(cx, received, call, None);
            }
            message => match self.shared.handle(message.clone(), received.text.as_bytes(), received.at) {
                Action::Wake(waker) => self.callers.push(waker),
                Action::WakeAll(wakers) => self.callers.extend(wakers),
                Action::Cancel(handler, reason, waker) => {
                    self.callers.extend(waker);
                    self.cancel(handler, reason);
                }
                Action::Resume(handler) => self.running.wake(handler),
                Action::Serve(channel_state) => {
                    let Message::Call(call) = message else { return };
                    self.serve(cx, received, call, Some(&channel_state));
                }
                Action::CloseChannel(channel, channel_state, reason, callers) => {
                    self.callers.extend(callers);
                    channel_state.close(&self.shared, reason.clone());
                    self.stop_channel(channel, &reason);
                }
                Action::DecodeWhole => self.handle_message(cx, received, &Message::decode_whole(received.text)),
                Action::Nothing => {}
            },
        }
    }

    /// Starts the handler of a call, or rejects the call. A call on an anonymous channel comes with its
    /// `channel_state`.
    #[inline]
    fn serve(
        &mut self,
        cx: &mut Context<'_>,
        received: &Received<'_>,
        call: &Call<'_>,
        channel_state: Option<&Arc<ChannelState>>,
    ) {
        let started = match self.rejection(received, call) {
            Some(rejection) => Err(BadCall::Rejected(rejection)),
            None => self.start_call(cx, received, call, channel_state),
        };
        if let Err(error) = started {
            self.handle_bad_call(cx, received, call, error);
        }
    }

    /// Returns the reason for which a new call may not start. A call that was held may.
    ///
    /// A server that drains rejects requests. While memory is short, requests and the events that cannot start now are
    /// rejected.
    #[inline]
    fn rejection(&mut self, received: &Received<'_>, call: &Call<'_>) -> Option<Rejection> {
        let is_draining = self.mode == Mode::Draining;
        if !(is_draining || self.memory_is_short) || received.was_held {
            None
        } else if is_draining && call.id.is_some() {
            Some(Rejection::new("the server is about to close").with_code(code::DRAINING))
        } else if self.memory_is_short && (call.id.is_some() || self.is_full() || !self.backlog.is_empty()) {
            Some(Rejection::new("too much unfinished work is waiting").with_code(code::TOO_MANY))
        } else {
            None
        }
    }

    /// Rejects a call that could not be started, or decodes its frame again if it was not proven to be JSON.
    #[cold]
    fn handle_bad_call(&mut self, cx: &mut Context<'_>, received: &Received<'_>, call: &Call<'_>, error: BadCall) {
        if call.arguments.is_validated() || matches!(error, BadCall::Refused(_)) {
            self.reject(received, call, error);
        } else {
            self.handle_message(cx, received, &Message::decode_whole(received.text));
        }
    }

    /// Finds the handler of a call, and starts it.
    fn start_call(
        &mut self,
        cx: &mut Context<'_>,
        received: &Received<'_>,
        call: &Call<'_>,
        channel_state: Option<&Arc<ChannelState>>,
    ) -> Result<(), BadCall> {
        let shared = Arc::clone(&self.shared);
        let of_channel = channel_state.and_then(|channel_state| channel_state.steps());
        let steps = of_channel.or_else(|| Some(shared.endpoint.steps.as_ref()?.of(&call.address)));
        if let Some(steps) = steps {
            match self.pass(received, call, steps, channel_state)? {
                Passed::All => {}
                Passed::ToLayer(event, layer) => {
                    return self.start_layer(cx, received, call, &event, &layer, channel_state);
                }
                Passed::Rejected => return Ok(()),
            }
        }
        let lookup = match channel_state {
            Some(channel_state) => channel_state.find_handler(&call.address, &call.event),
            None => shared.find_handler(&call.address, &call.event),
        };
        let Some(lookup) = lookup else {
            let exists = channel_state.is_some() || shared.has_channel(&call.address);
            let error = BadCall::Rejected(Rejection::no_listener(&call.event, &call.address, exists));
            return Err(if steps.is_some() { asked(call, error) } else { error });
        };
        let mut started = self.start_handler(cx, received, call, &lookup.event, &*lookup.handler, channel_state);
        if steps.is_some() {
            started = started.map_err(|error| asked(call, error));
        }
        if matches!(lookup, Lookup::Mounted(_)) {
            return started;
        }
        // The last reference to a closure or its service may be dropped here.
        let dropped = match started {
            Ok(()) => drop_catching_panic(lookup),
            Err(_) => catch_panic(|| lookup.restore(&call.address)),
        };
        shared.report_drop_panic(dropped, &call.event);
        started
    }

    /// Starts a layer as a handler.
    #[cold]
    fn start_layer(
        &mut self,
        cx: &mut Context<'_>,
        received: &Received<'_>,
        call: &Call<'_>,
        event: &Label,
        layer: &FirstLayer<'_>,
        channel_state: Option<&Arc<ChannelState>>,
    ) -> Result<(), BadCall> {
        self.start_handler(cx, received, call, event, layer, channel_state)
    }

    /// Asks the guards before the lookup of a handler, up to the first layer.
    #[cold]
    fn pass<'s>(
        &mut self,
        received: &Received<'_>,
        call: &Call<'_>,
        steps: &'s Steps,
        channel_state: Option<&Arc<ChannelState>>,
    ) -> Result<Passed<'s>, BadCall> {
        let Self { shared, epoch, .. } = self;
        let view =
            CallView { shared, epoch, call, text: received.text, received_at: received.at, state: None, channel_state };
        match catch_panic(|| pass_guards(steps, 0, view)) {
            Ok(Ok(None)) => Ok(Passed::All),
            Ok(Ok(Some(at))) => Ok(Passed::ToLayer(shared.label(&call.address, &call.event), FirstLayer { steps, at })),
            Ok(Err(_)) if !call.arguments.is_json() => Err(BadCall::NotJson),
            Ok(Err(rejection)) => Err(BadCall::Refused(rejection)),
            Err(message) => {
                let mut progress = Progress::default();
                let mut answers = Answers::new(&self.shared, self.transport.output(), &mut progress);
                answers.panicked(call.id, &call.event, message);
                if call.id.is_none() {
                    self.shared.count_dropped_event();
                }
                self.tell_not_started(received, call, &mut progress);
                Ok(Passed::Rejected)
            }
        }
    }

    /// Starts a handler and polls it once, in place. A pending handler joins the running set.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "each call pays for it, and the other caller is cold")]
    fn start_handler(
        &mut self,
        cx: &mut Context<'_>,
        received: &Received<'_>,
        call: &Call<'_>,
        event: &Label,
        handler: &dyn Handler,
        channel_state: Option<&Arc<ChannelState>>,
    ) -> Result<(), BadCall> {
        let (mut state, mut log) = (None, None);
        let mut progress = Progress::default();
        let start = Start {
            answers: Answers::new(&self.shared, self.transport.output(), &mut progress),
            call,
            arguments: call.arguments,
            event,
            text: received.text,
            received_at: received.at,
            state: &mut state,
            log: Some(&mut log),
            epoch: &self.epoch,
            inherited: match (channel_state, &self.shared.endpoint.steps) {
                (Some(channel_state), _) => channel_state.steps(),
                (None, Some(steps)) => steps.of_channel(&call.address),
                (None, None) => None,
            },
            channel_state,
            pattern: None,
        };
        // A handler that is no future runs here.
        let watch = PollWatch::start();
        let started = catch_panic(|| handler.start(start));
        let mut answers = Answers::new(&self.shared, self.transport.output(), &mut progress);
        let finished = match started {
            Ok(Err(error)) => return Err(error),
            Ok(Ok(Started { running: None })) => {
                watch.finish(&self.shared, event);
                Ok(())
            }
            Ok(Ok(Started { running: Some(mut future) })) => {
                let watch = PollWatch::start();
                let log_ref = log.as_deref();
                let polled = catch_panic(|| CallLog::scope(log_ref, || future.as_mut().poll(cx, &mut answers)));
                watch.finish(&self.shared, event);
                if let Ok(Poll::Pending) = polled {
                    let (id, event) = (call.id, event.clone());
                    let channel = channel_state.and_then(|channel_state| channel_state.key());
                    let handler = RunningHandler { future, id, event, state, log, channel, is_stream: false };
                    self.keep_running(handler, &mut progress, deadline(received, call));
                    return Ok(());
                }
                polled.map(drop).and(CallLog::scope(log.as_deref(), || drop_catching_panic(future)))
            }
            Err(message) => Err(message),
        };
        if let Err(message) = finished {
            answers.panicked(call.id, event, message);
        }
        if let Some(state) = state {
            state.handler_finished(&self.shared);
        }
        if let Some(mut log) = log {
            log.update(&mut progress);
            log.finish(&self.shared);
        } else {
            self.tell_not_started(received, call, &mut progress);
        }
        Ok(())
    }

    /// Adds a handler that is pending after its first poll to the running set.
    fn keep_running(&mut self, mut handler: RunningHandler, progress: &mut Progress, deadline: Option<Instant>) {
        if let Some(log) = &mut handler.log {
            log.update(progress);
        }
        if let Some(opened) = progress.opened {
            // Its request is finished: aborting the channel stops the handler.
            handler.id = None;
            handler.is_stream = opened.role == Role::Producer;
            let key = self.running.insert(handler);
            self.shared.attach_handler(opened.channel, key);
        } else {
            if progress.layers.is_handled {
                // It has responded, and its layer continues.
                handler.id = None;
            }
            let id = handler.id;
            let key = self.running.insert(handler);
            if let Some(id) = id {
                self.shared.handler_started(id, key, deadline);
            }
        }
    }

    /// Tells the observers, if there are any, of a call whose handler was not started.
    #[inline]
    fn tell_not_started(&self, received: &Received<'_>, call: &Call<'_>, progress: &mut Progress) {
        if self.shared.observes_calls() {
            let outcome = progress.outcome.take().unwrap_or(Outcome::Cancelled);
            self.shared.tell_not_started(call, received.text.len(), &outcome, progress.response_bytes);
        }
    }

    /// Rejects a request that cannot be handled. An event is dropped.
    fn reject(&mut self, received: &Received<'_>, call: &Call<'_>, error: BadCall) {
        let mut progress = Progress::default();
        let mut answers = Answers::new(&self.shared, self.transport.output(), &mut progress);
        let reason = match error {
            BadCall::Rejected(rejection) | BadCall::Refused(rejection) => rejection,
            // Unreachable: the frame is proven to be JSON.
            BadCall::NotJson => Rejection::new("The arguments cannot be read").with_code(code::BAD_ARGUMENTS),
        };
        let channel = match &call.address {
            Address::Named(name) => Some(&**name),
            _ => None,
        };
        answers.refuse(call.id, &call.event, channel, reason);
        self.tell_not_started(received, call, &mut progress);
    }

    /// Polls the handlers that were woken. Returns true if some are left for the next turn.
    pub(super) fn poll_running(&mut self) -> bool {
        let (batch, more) = self.running.take_woken(TURN_MESSAGES);
        for &key in &batch {
            let Some((handler, waker)) = self.running.poll_context(key) else { continue };
            let mut progress = Progress::for_handler(key);
            let mut answers = Answers::new(&self.shared, self.transport.output(), &mut progress);
            let watch = PollWatch::start();
            let (log, future) = (handler.log.as_deref(), &mut handler.future);
            let mut poll = || future.as_mut().poll(&mut Context::from_waker(&waker), &mut answers);
            let polled = catch_panic(|| CallLog::scope(log, &mut poll));
            watch.finish(&self.shared, &handler.event);
            if let Some(log) = &mut handler.log {
                log.update(&mut progress);
            }
            if let Some(opened) = progress.opened {
                // A request that was answered with a channel is finished: aborting the channel stops the handler.
                handler.id = None;
                if opened.role == Role::Producer {
                    self.running.mark_as_stream(key);
                }
            } else if progress.layers.is_handled
                && let Some(id) = handler.id.take()
            {
                // It has responded, and its layer continues.
                self.shared.handler_finished(id, key);
            }
            if progress.layers.stream_ended {
                self.running.unmark_stream(key);
            }
            if let Ok(Poll::Pending) = polled {
                continue;
            }
            let Some(RunningHandler { future, id, event, log, state, .. }) = self.running.remove(key) else { continue };
            let dropped = polled.map(drop).and(CallLog::scope(log.as_deref(), || drop_catching_panic(future)));
            if let Err(message) = dropped {
                Answers::new(&self.shared, self.transport.output(), &mut progress).panicked(id, &event, message);
            }
            if let Some(id) = id {
                self.shared.handler_finished(id, key);
            }
            if let Some(state) = state {
                state.handler_finished(&self.shared);
            }
            if let Some(mut log) = log {
                log.update(&mut progress);
                log.finish(&self.shared);
            }
        }
        self.running.return_batch(batch);
        more
    }

    /// Stops the handlers that were called on a channel, and rejects their requests with the reason of its abort
    /// [P-63].
    pub(super) fn stop_channel(&mut self, channel: ChannelKey, reason: &Reason) {
        let handlers = self.running.remove_by_channel(channel);
        if handlers.is_empty() {
            return;
        }
        let rejection = reason.clone().for_requests(handlers.len());
        for (key, handler) in handlers {
            let id = handler.id;
            self.stop(handler, reason.clone());
            if let Some(id) = id {
                self.shared.handler_finished(id, key);
                Answers::new(&self.shared, self.transport.output(), &mut Progress::default())
                    .write_rejection(id, &rejection);
            }
        }
    }

    /// Cancels a handler: notifies its contexts and drops its future.
    pub(super) fn cancel(&mut self, key: RunningKey, reason: Reason) {
        if let Some(handler) = self.running.remove(key) {
            self.stop(handler, reason);
        }
    }
}
