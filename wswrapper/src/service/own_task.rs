//! Handlers that run in a task or on a thread of their own.

use crate::engine::{Answering, Answers, BlockedThread, CallScope, InScope, Running, Shared, Started};
use crate::proto::{Rejection, RequestId, encode};
use crate::rt::{self, JoinError, JoinHandle};
use crate::value::JsonResponse;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

/// A handler in a task of its own, as its connection polls it. Dropping it aborts the task.
pub(super) struct OwnTask {
    call: Answering,
    state: State,
}

enum State {
    /// All threads of the connection are occupied.
    Waiting {
        thread: Pin<Box<dyn Future<Output = BlockedThread> + Send>>,
        /// Taken once.
        start: Option<Box<dyn FnOnce(BlockedThread) -> JoinHandle<Outcome> + Send>>,
    },
    Started(JoinHandle<Outcome>),
}

/// The result of a handler. `None` stands for `()` and `None`, which have an encoding of their own on the wire.
type Outcome = Result<Option<Encoded>, Rejection>;

/// A result that was encoded in the handler's task, because encoding a large result would delay the connection.
struct Encoded(Result<Box<RawValue>, serde_json::Error>);

impl OwnTask {
    /// Starts a synchronous handler on a thread that it may block, as soon as one of the connection's is free.
    pub(super) fn blocking<F, T>(call: Answering, shared: &Shared, scope: CallScope, handler: F) -> Started
    where
        F: FnOnce() -> Result<T, Rejection> + Send + 'static,
        T: JsonResponse,
    {
        let (id, threads, tasks) = (call.id, shared.blocking_threads(), Arc::clone(&shared.endpoint.own_tasks));
        let start = move |thread: BlockedThread| {
            let counted = tasks.count();
            rt::spawn_blocking(move || {
                let _occupied_until_return = (thread, counted);
                let _entered = scope.enter();
                Encoded::outcome(id, handler())
            })
        };
        match threads.try_take() {
            Some(thread) => Self::started(call, start(thread)),
            None => {
                let thread = Box::pin(threads.take(call.hint));
                let state = State::Waiting { thread, start: Some(Box::new(start)) };
                Started::running(Box::pin(Self { call, state }))
            }
        }
    }

    /// Starts an asynchronous handler in a task of its own.
    pub(super) fn spawned<F, T>(call: Answering, shared: &Shared, scope: CallScope, handler: F) -> Started
    where
        F: Future<Output = Result<T, Rejection>> + Send + 'static,
        T: JsonResponse,
    {
        let (id, counted) = (call.id, shared.endpoint.own_tasks.count());
        let task = async move {
            let outcome = Encoded::outcome(id, InScope::new(scope, handler).await);
            drop(counted);
            outcome
        };
        Self::started(call, rt::spawn(task))
    }

    fn started(call: Answering, task: JoinHandle<Outcome>) -> Started {
        Started::running(Box::pin(Self { call, state: State::Started(task) }))
    }
}

impl Running for OwnTask {
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>, answers: &mut Answers<'_>) -> Poll<()> {
        let joined = loop {
            match &mut self.state {
                State::Started(task) => break task::ready!(Pin::new(task).poll(cx)),
                State::Waiting { thread, start } => {
                    let thread = task::ready!(thread.as_mut().poll(cx));
                    // Polled after it has panicked.
                    let Some(start) = start.take() else { return Poll::Pending };
                    self.state = State::Started(start(thread));
                }
            }
        };
        match joined.unwrap_or_else(join_error_outcome) {
            Ok(None) => answers.finish(&self.call, Ok(())),
            Ok(Some(value)) => answers.finish(&self.call, Ok(value)),
            Err(rejection) => answers.finish::<()>(&self.call, Err(rejection)),
        }
        Poll::Ready(())
    }
}

impl Drop for OwnTask {
    fn drop(&mut self) {
        if let State::Started(task) = &self.state {
            task.abort();
        }
    }
}

/// Returns the outcome of a task that did not finish. A panic is resumed, because the driver reports it.
fn join_error_outcome(error: JoinError) -> Outcome {
    match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        // The runtime is shutting down.
        Err(error) => Err(Rejection::internal(error)),
    }
}

impl Encoded {
    fn outcome<T: Serialize>(id: Option<RequestId>, outcome: Result<T, Rejection>) -> Outcome {
        let value = outcome?;
        // An event has no answer.
        let Some(id) = id else { return Ok(None) };
        let encoded = to_raw_value(&value);
        let is_null = encoded.as_ref().is_ok_and(|json| json.get() == "null");
        Ok(if is_null && is_nothing(id, &value) { None } else { Some(Self(encoded)) })
    }
}

impl Serialize for Encoded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(encoded) = self;
        encoded.as_ref().map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// Returns true if the codec omits the value, which it does for `()` and `None` but not for other nulls.
fn is_nothing<T: Serialize>(id: RequestId, value: &T) -> bool {
    let mut frame = Vec::new();
    encode::result(&mut frame, id, value).is_ok() && !frame.ends_with(b"null}")
}
