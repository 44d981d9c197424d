//! One call of one method. The generated shims use it to decode the arguments and to start the handler.

use super::context::{Context, ContextArgument};
use super::own_task::OwnTask;
use super::stream::{OnFull, Producer, stream_handler};
use super::upload::upload_handler;
use crate::engine::{
    Answering, Answers, BadCall, CallLog, ChannelBinding, ConnectionHandle, Label, Response, Running, Start, Started,
    decode_value, no_answer,
};
use crate::proto::{Address, Call, Rejection, Role};
use crate::stream::{Items, Upload};
use crate::value::{Argument, ChannelParameter, JsonResponse, UploadItem, WsError};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

/// A call of a method of the service `S`, whose handler is not started yet.
pub struct Invocation<'c, S> {
    pub(super) service: Arc<S>,
    pub(super) event: Label,
    pub(super) parameters: &'static [&'static str],
    pub(super) start: Start<'c>,
}

impl<S: Send + Sync + 'static> Invocation<'_, S> {
    /// Decodes the next argument.
    pub fn argument<T: Argument>(&mut self) -> Result<T, BadCall> {
        self.start.arguments.next_owned().map_err(|error| self.bad_argument(error))
    }

    /// Returns a parameter from the name of the channel. The name was checked before.
    pub fn parameter<T: ChannelParameter>(&mut self, name: &str) -> Result<T, BadCall> {
        let Call { address, event, .. } = self.start.call;
        let text = match (address, self.start.pattern) {
            (Address::Named(channel), Some(pattern)) => pattern.value(name, channel).and_then(decode_value),
            _ => None,
        };
        let value = text.and_then(|text| T::from_str(&text).ok());
        value.ok_or_else(|| BadCall::Rejected(Rejection::no_listener(event, address, false)))
    }

    /// Returns the context of the call.
    pub fn context<T: ContextArgument>(&mut self) -> T {
        let state = Arc::clone(self.start.call_state());
        Context::new(Arc::clone(self.start.answers.shared), state).into()
    }

    /// Checks that all arguments were decoded, because the handler starts next.
    fn begin(&mut self) -> Result<Answering, BadCall> {
        let call = self.finish_arguments()?;
        self.start.record(true);
        Ok(call)
    }

    /// Starts an asynchronous handler.
    pub fn answer<F, Fut, T>(mut self, handler: F) -> Result<Started, BadCall>
    where
        F: FnOnce(Arc<S>) -> Fut,
        Fut: Future<Output = Result<T, Rejection>> + Send + 'static,
        T: Response,
    {
        let call = self.begin()?;
        if self.start.log().is_some() {
            return Ok(self.start_in_scope(call, handler));
        }
        Ok(Started::running(Box::pin(AnswerWhenReady { call, handler: handler(self.service) })))
    }

    /// Starts an asynchronous handler whose call is observed.
    #[cold]
    fn start_in_scope<F, Fut, T>(self, call: Answering, handler: F) -> Started
    where
        F: FnOnce(Arc<S>) -> Fut,
        Fut: Future<Output = Result<T, Rejection>> + Send + 'static,
        T: Response,
    {
        let handler = CallLog::scope(self.start.log(), || handler(self.service));
        Started::running(Box::pin(AnswerWhenReady { call, handler }))
    }

    /// Runs a synchronous handler and writes its answer.
    pub fn answer_now<F, T>(mut self, handler: F) -> Result<Started, BadCall>
    where
        F: FnOnce(Arc<S>) -> Result<T, Rejection>,
        T: Response,
    {
        let call = self.begin()?;
        let outcome = CallLog::scope(self.start.log(), || handler(self.service));
        self.start.answers.finish(&call, outcome);
        Ok(Started { running: None })
    }

    /// Starts a handler that answers with a stream, and sends the stream.
    pub fn stream<F, Fut>(mut self, on_full: OnFull, handler: F) -> Result<Started, BadCall>
    where
        F: FnOnce(Arc<S>, Box<Producer>) -> Fut,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let call = self.finish_arguments()?;
        if call.id.is_none() {
            return Err(BadCall::Rejected(no_answer(&call.event, "a stream")));
        }
        self.start.record(true);
        let service = self.service;
        let resume = self.start.call.resume();
        let handler = |producer| CallLog::scope(self.start.log(), || handler(service, producer));
        Ok(Started::running(stream_handler(self.start.answers.shared, call, on_full, resume, handler)))
    }

    /// Opens the channel of an upload and starts its handler.
    pub fn upload<T, E, F, Fut, R>(mut self, handler: F) -> Result<Started, BadCall>
    where
        T: UploadItem,
        E: WsError,
        F: FnOnce(Arc<S>, Upload<T, E>) -> Fut,
        Fut: Future<Output = Result<R, Rejection>> + Send + 'static,
        R: JsonResponse + Send + 'static,
    {
        let call = self.finish_arguments()?;
        let opened = self.start.answers.open(&call, Role::Upload, ChannelBinding::Inbox(None));
        let (channel, inbox) = opened.map_err(BadCall::Rejected)?;
        self.start.record(true);
        let shared = self.start.answers.shared;
        if self.start.call.caller_listens() {
            shared.allow_start(channel);
        }
        // The binding is an inbox, so there always is one.
        let inbox = inbox.unwrap_or(usize::MAX);
        let upload = Upload::new(Items::new(ConnectionHandle::new(shared), channel, inbox));
        let handler = CallLog::scope(self.start.log(), || handler(self.service, upload));
        Ok(Started::running(upload_handler(shared, call, channel, handler)))
    }

    /// Starts a synchronous handler on a thread that it may block. It waits while all threads of its connection are
    /// occupied.
    pub fn answer_blocking<F, T>(mut self, handler: F) -> Result<Started, BadCall>
    where
        F: FnOnce(Arc<S>) -> Result<T, Rejection> + Send + 'static,
        T: JsonResponse,
    {
        let call = self.begin()?;
        let service = self.service;
        let scope = self.start.scope();
        Ok(OwnTask::blocking(call, self.start.answers.shared, scope, move || handler(service)))
    }

    /// Starts an asynchronous handler in a task of its own.
    pub fn answer_spawned<F, Fut, T>(mut self, handler: F) -> Result<Started, BadCall>
    where
        F: FnOnce(Arc<S>) -> Fut,
        Fut: Future<Output = Result<T, Rejection>> + Send + 'static,
        T: JsonResponse,
    {
        let call = self.begin()?;
        let scope = self.start.scope();
        let handler = CallLog::scope(self.start.log(), || handler(self.service));
        Ok(OwnTask::spawned(call, self.start.answers.shared, scope, handler))
    }
}

pin_project! {
    /// The future of a handler, and the call that it answers.
    struct AnswerWhenReady<F> {
        call: Answering,
        #[pin]
        handler: F,
    }
}

impl<F, T> Running for AnswerWhenReady<F>
where
    F: Future<Output = Result<T, Rejection>> + Send,
    T: Response,
{
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>, answers: &mut Answers<'_>) -> Poll<()> {
        let this = self.project();
        this.handler.poll(cx).map(|outcome| answers.finish(this.call, outcome))
    }
}

impl<S> fmt::Debug for Invocation<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation").field("event", &&*self.event).finish_non_exhaustive()
    }
}
