//! The rest of a call behind a layer.

use super::call::LayeredCall;
use super::reply::Reply;
use super::steps::{Steps, pass_guards, start_layer};
use crate::catch_panic::{catch_panic, drop_catching_panic};
use crate::engine::answers::Answers;
use crate::engine::handler::{BadCall, BoxRunning, Handler, Start, Started};
use crate::engine::loan::LeftByLayer;
use crate::engine::outcome::Outcome;
use crate::engine::router::Lookup;
use crate::proto::{Rejection, Role, code};
use crate::rt::{Instant, Timer};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The rest of the steps behind a layer, and the handler.
pub(crate) struct Next {
    steps: Steps,
    at: usize,
    end: End,
}

/// The end of the steps.
#[derive(Clone)]
pub(crate) enum End {
    /// The handler has to be found.
    Find,
    Handler(Arc<dyn Handler>),
}

impl End {
    pub(super) fn start(&self, start: Start<'_>) -> Result<Started, BadCall> {
        match self {
            Self::Handler(handler) => handler.start(start),
            Self::Find => find_and_start(start),
        }
    }
}

/// Finds the handler of a call that has passed the steps before the lookup, and starts it.
fn find_and_start(start: Start<'_>) -> Result<Started, BadCall> {
    let (shared, call, channel_state) = (Arc::clone(start.answers.shared), start.call, start.channel_state);
    let lookup = match channel_state {
        Some(channel_state) => channel_state.find_handler(&call.address, &call.event),
        None => shared.find_handler(&call.address, &call.event),
    };
    let Some(lookup) = lookup else {
        let exists = channel_state.is_some() || shared.has_channel(&call.address);
        return Err(BadCall::Rejected(Rejection::no_listener(&call.event, &call.address, exists)));
    };
    let started = lookup.handler.start(start);
    if matches!(lookup, Lookup::Mounted(_)) {
        return started;
    }
    // The last reference to a closure or its service may be dropped here.
    let dropped = match started {
        Ok(_) => drop_catching_panic(lookup),
        Err(_) => catch_panic(|| lookup.restore(&call.address)),
    };
    shared.report_drop_panic(dropped, &call.event);
    started
}

impl Next {
    pub(crate) fn new(steps: &Steps, at: usize, end: End) -> Self {
        Self { steps: Arc::clone(steps), at, end }
    }

    /// Runs the rest of the call. The future is polled inside that of the layer.
    pub(crate) fn run(self, call: LayeredCall) -> RunNext {
        RunNext { deadline: call.state.deadline(), timer: Timer::default(), call, progress: Progress::New(self) }
    }

    fn start(&self, start: Start<'_>) -> Result<Started, BadCall> {
        match pass_guards(&self.steps, self.at, start.view()) {
            Ok(None) => self.end.start(start),
            Ok(Some(at)) => start_layer(&self.steps, at, self.end.clone(), start),
            Err(rejection) => Err(start.refusal(rejection)),
        }
    }
}

/// The future of the rest of a call.
pub(crate) struct RunNext {
    call: LayeredCall,
    progress: Progress,
    /// The time to which a layer has shortened the call.
    deadline: Option<Instant>,
    timer: Timer,
}

enum Progress {
    New(Next),
    Running(BoxRunning),
    Finished,
}

impl RunNext {
    /// Starts the rest, or polls it.
    fn poll_rest(&mut self, cx: &mut Context<'_>, answers: &mut Answers<'_>) -> Poll<Reply> {
        let is_nested = std::mem::replace(&mut answers.progress.layers.is_nested, true);
        answers.progress.layers.is_handled = false;
        let progress = std::mem::replace(&mut self.progress, Progress::Finished);
        let polled = catch_panic(|| match progress {
            Progress::New(_) if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) => Err(timed_out()),
            Progress::New(next) => match self.start(&next, answers) {
                Ok(Started { running: Some(running) }) => Ok(poll_running(running, cx, answers)),
                Ok(Started { running: None }) => Ok(None),
                Err(BadCall::Rejected(rejection) | BadCall::Refused(rejection)) => Err(rejection),
                // Unreachable: the frame is known to be JSON.
                Err(BadCall::NotJson) => Err(Rejection::internal_error()),
            },
            Progress::Running(running) => Ok(poll_running(running, cx, answers)),
            // Polled after it was ready.
            Progress::Finished => Err(Rejection::internal_error()),
        });
        if let Err(message) = &polled {
            answers.panicked(self.call.state.id, &self.call.event, message.clone());
        }
        answers.progress.layers.is_nested = is_nested;
        match polled {
            Ok(Ok(Some(running))) => {
                if answers.progress.opened.is_some() || answers.progress.layers.is_handled {
                    // What the handler sends goes on behind the layer.
                    answers.shared.loan_slot().leave(LeftByLayer::Tail(running));
                } else if self.deadline.is_some_and(|at| self.timer.set(Some(at), cx) || at <= Instant::now()) {
                    drop(running);
                    return Poll::Ready(Reply::Rejected(timed_out()));
                } else {
                    self.progress = Progress::Running(running);
                    return Poll::Pending;
                }
            }
            Ok(Ok(None)) => {
                if let Some(LeftByLayer::Reply(reply)) = answers.shared.loan_slot().take_left() {
                    // An inner layer has replied, and no handler.
                    return Poll::Ready(reply);
                }
            }
            Ok(Err(rejection)) => return Poll::Ready(Reply::Rejected(rejection)),
            Err(_) => {}
        }
        answers.progress.layers.is_handled = true;
        let outcome = match answers.progress.opened {
            Some(opened) if opened.role == Role::Upload => return Poll::Ready(Reply::Uploading),
            Some(_) => Outcome::ChannelOpened,
            None => answers.progress.outcome.clone().unwrap_or(Outcome::Ok),
        };
        Poll::Ready(Reply::Handled(outcome))
    }

    fn start(&self, next: &Next, answers: &mut Answers<'_>) -> Result<Started, BadCall> {
        let LayeredCall { shared, state, text, received_at, event, .. } = &self.call;
        let Some(call) = self.call.decode() else { return Err(BadCall::NotJson) };
        next.start(Start {
            answers: Answers::new(shared, answers.output, answers.progress),
            call: &call,
            arguments: call.arguments,
            event,
            text,
            received_at: *received_at,
            log: None,
            state: &mut Some(Arc::clone(state)),
            epoch: &state.epoch,
            inherited: self.call.inherited.as_ref(),
            channel_state: state.channel_state.as_ref(),
            pattern: None,
        })
    }
}

/// Polls a running handler. Returns it if it is pending.
fn poll_running(mut running: BoxRunning, cx: &mut Context<'_>, answers: &mut Answers<'_>) -> Option<BoxRunning> {
    if running.as_mut().poll(cx, answers).is_pending() { Some(running) } else { None }
}

/// The rejection of a call whose time a layer has shortened.
fn timed_out() -> Rejection {
    Rejection::new("the time of the call is over").with_code(code::TIMED_OUT)
}

impl Future for RunNext {
    type Output = Reply;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        let this = self.get_mut();
        let (shared, owner) = (Arc::clone(&this.call.shared), this.call.owner());
        let polled = shared.loan_slot().with_owner(owner, &shared, |answers| this.poll_rest(cx, answers));
        polled.unwrap_or_else(|| {
            tracing::error!(peer = %shared.id, "a layer has polled `next` outside its own future");
            Poll::Ready(Reply::Rejected(Rejection::internal_error()))
        })
    }
}
