//! The calls of a turn: from a frame to a handler that runs, and to its end.

use super::{Driver, TURN_MESSAGES};
use crate::caught::{drop_caught, panics};
use crate::error::PeerError;
use crate::handler::{Answers, BadCall, RunningHandler, RunningKey, Start, caller_waits};
use crate::link::Handled;
use crate::message_log::{CallLog, MessageLog};
use crate::proto::{Call, Message, Reason, Rejection, Scope};
use crate::router::Entry;
use crate::transport::Transport;
use bytes::Bytes;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Instant;

impl<T: Transport> Driver<T> {
    pub(super) fn frame(&mut self, cx: &mut Context<'_>, frame: &Bytes, came: Instant) {
        // A binary frame is read as if it were text [P-06]; what is not UTF-8 is not JSON [P-02].
        let Ok(text) = std::str::from_utf8(frame) else { return };
        if self.link.end.hooks.sees_messages() {
            // Decoded whole, so that what is logged as a call is one.
            let message = Message::decode_whole(text);
            let log = MessageLog::new(text, &message);
            self.link.end.hooks.message(|| self.link.peer(), &log);
            let call = log.event.is_some().then(|| Box::new(CallLog::new(&log)));
            self.message(cx, frame, text, &message, came, call);
        } else {
            self.message(cx, frame, text, &Message::decode(text), came, None);
        }
    }

    fn message(
        &mut self,
        cx: &mut Context<'_>,
        frame: &Bytes,
        text: &str,
        message: &Message<'_>,
        came: Instant,
        log: Option<Box<CallLog>>,
    ) {
        match message {
            Message::Call(call) if matches!(call.scope, Scope::Main | Scope::Named(_)) => {
                if let Err((error, log)) = self.call(cx, text, call, came, log) {
                    if call.arguments.is_proven() {
                        self.refuse(call, error, log.as_deref());
                    } else {
                        self.message(cx, frame, text, &Message::decode_whole(text), came, log);
                    }
                }
            }
            message => match self.link.handle(message.clone(), frame, came) {
                Handled::Caller(waker) => self.callers.push(waker),
                Handled::Cancelled(handler, reason) => self.cancel(handler, reason),
                Handled::Nothing => {}
            },
        }
    }

    /// Finds the handler of a call and starts it.
    fn call(
        &mut self,
        cx: &mut Context<'_>,
        text: &str,
        call: &Call<'_>,
        came: Instant,
        log: Option<Box<CallLog>>,
    ) -> Result<(), (BadCall, Option<Box<CallLog>>)> {
        let link = Arc::clone(&self.link);
        if let Some((found, handlers)) = link.find_dynamic(&call.scope, &call.event) {
            let started = self.start(cx, text, call, came, &found.entry, log);
            if started.is_err() {
                handlers.give_back(&call.scope, found);
            }
            return started;
        }
        match link.end.router.find(&call.scope, &call.event) {
            Some(entry) => self.start(cx, text, call, came, entry, log),
            None => {
                let exists = link.has_channel(&call.scope);
                Err((BadCall::Rejected(Rejection::no_listener(&call.event, &call.scope, exists)), log))
            }
        }
    }

    /// Starts a handler and polls it once, in place.
    fn start(
        &mut self,
        cx: &mut Context<'_>,
        text: &str,
        call: &Call<'_>,
        came: Instant,
        entry: &Entry,
        log: Option<Box<CallLog>>,
    ) -> Result<(), (BadCall, Option<Box<CallLog>>)> {
        // Only who says how long it waits costs a look at the clock.
        let deadline = caller_waits(call).and_then(|wait| came.checked_add(wait));
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            self.log_end(log.as_deref());
            return Ok(());
        }
        let mut state = None;
        let start = Start {
            link: &self.link,
            call,
            arguments: call.arguments,
            hint: text.len(),
            output: self.transport.output(),
            state: &mut state,
            sessions: &mut self.sessions,
        };
        let started = panics(|| entry.handler.start(start));
        let mut answers = Answers::new(&self.link, self.transport.output());
        let progress = match started {
            Ok(Err(error)) => return Err((error, log)),
            Ok(Ok(started)) => match started.0 {
                Some(mut future) => match panics(|| future.as_mut().poll(cx, &mut answers)) {
                    Ok(Poll::Pending) => {
                        let handler = RunningHandler { future, id: call.id, event: entry.event.clone(), state, log };
                        let key = self.running.insert(handler);
                        if let Some(id) = call.id {
                            self.link.begin(id, key, deadline);
                        }
                        return Ok(());
                    }
                    Ok(Poll::Ready(())) => drop_caught(future),
                    Err(message) => drop_caught(future).and(Err(message)),
                },
                None => Ok(()),
            },
            Err(message) => Err(message),
        };
        if let Err(message) = progress {
            answers.panicked(call.id, &entry.event, message);
        }
        self.log_end(log.as_deref());
        Ok(())
    }

    /// Rejects a request that cannot be handled; an event is dropped where that can be seen.
    fn refuse(&mut self, call: &Call<'_>, error: BadCall, log: Option<&CallLog>) {
        let reason = match error {
            BadCall::Rejected(rejection) => rejection,
            // Never: the frame is proven to be JSON.
            BadCall::NotJson => Rejection::new("The arguments cannot be read"),
        };
        match call.id {
            Some(id) => Answers::new(&self.link, self.transport.output()).reject(id, &reason),
            None => {
                let channel = match &call.scope {
                    Scope::Named(name) => Some(name.to_string()),
                    _ => None,
                };
                self.link.report(&PeerError::EventDropped { event: call.event.to_string(), channel, reason });
            }
        }
        self.log_end(log);
    }

    /// Polls the handlers that were woken; true if some are left for the next turn.
    pub(super) fn poll_running(&mut self) -> bool {
        let (batch, left) = self.running.take_woken(TURN_MESSAGES);
        for &key in &batch {
            let Some((handler, waker)) = self.running.get(key) else { continue };
            let mut answers = Answers::new(&self.link, self.transport.output());
            let polled = panics(|| handler.future.as_mut().poll(&mut Context::from_waker(&waker), &mut answers));
            if let Ok(Poll::Pending) = polled {
                continue;
            }
            let Some(RunningHandler { future, id, event, log, .. }) = self.running.remove(key) else { continue };
            if let Err(message) = polled.map(drop).and(drop_caught(future)) {
                answers.panicked(id, &event, message);
            }
            if let Some(id) = id {
                self.link.lock().core.end(id, &key);
            }
            self.log_end(log.as_deref());
        }
        self.running.give_back(batch);
        left
    }

    /// Cancels a handler: its contexts are told, its future is dropped.
    pub(super) fn cancel(&mut self, key: RunningKey, reason: Reason) {
        if let Some(handler) = self.running.remove(key) {
            self.stop(handler, reason);
        }
    }
}
