//! Handlers that answer with a stream: the producer is the tail of the handler's future, since the stream may borrow the
//! service.

mod pump;

use self::pump::PumpFuture;
use crate::engine::{Answering, Answers, BoxRunning, Running, Shared};
use crate::value::{IntoResult, StreamItem, WsError};
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What a producer does while its consumer is behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnFull {
    /// Its stream waits.
    Wait,
    /// It holds items up to a window, and drops the oldest of them.
    DropOldest,
    /// It holds items up to a window, and drops those that come then.
    DropNewest,
    /// It holds the latest item.
    Latest,
    /// It ends with an error.
    Close,
}

/// What a handler can answer with that sends a stream: a stream, or a `Result` of one; `M` tells which.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a stream nor a `Result` of one",
    label = "not a stream",
    note = "a stream must be the whole answer, or the `Ok` of a `Result`"
)]
pub trait IntoStream<M> {
    /// The stream's item.
    type Item;
    /// The stream.
    type Stream: Stream<Item = Self::Item>;
    /// The error.
    type Err;

    /// As a `Result`.
    fn into_stream(self) -> Result<Self::Stream, Self::Err>;
}

#[diagnostic::do_not_recommend]
impl<S: Stream> IntoStream<super::into_response::Infallible> for S {
    type Item = S::Item;
    type Stream = S;
    type Err = std::convert::Infallible;

    fn into_stream(self) -> Result<S, Self::Err> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<S: Stream, E> IntoStream<super::into_response::Fallible> for Result<S, E> {
    type Item = S::Item;
    type Stream = S;
    type Err = E;

    fn into_stream(self) -> Self {
        self
    }
}

/// Sends the stream of a handler.
pub struct Producer {
    pub(super) shared: Arc<Shared>,
    pub(super) call: Answering,
    pub(super) on_full: OnFull,
}

pin_project! {
    /// The future of a handler that sends a stream.
    struct StreamHandler<F> {
        shared: Arc<Shared>,
        #[pin]
        future: F,
    }
}

/// The future of a handler that is given what it sends its stream with.
pub(super) fn stream_handler<F, Fut>(shared: &Arc<Shared>, call: Answering, on_full: OnFull, handler: F) -> BoxRunning
where
    F: FnOnce(Producer) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let producer = Producer { shared: Arc::clone(shared), call, on_full };
    Box::pin(StreamHandler { shared: Arc::clone(shared), future: handler(producer) })
}

impl<F: Future<Output = ()> + Send> Running for StreamHandler<F> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, answers: &mut Answers<'_>) -> Poll<()> {
        let this = self.project();
        this.shared.loan_slot().lend_while(answers, || this.future.poll(cx))
    }
}

impl Producer {
    /// Answers with a channel and sends the stream's items over it, as far as its consumer takes them [P-80].
    ///
    /// Boxed, since an opaque future would repeat each error about the types.
    pub fn run<'s, R, I, T, E, M, const RESULT: bool>(
        self,
        returned: R,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 's>>
    where
        R: IntoStream<M, Item = I> + 's,
        R::Stream: Send + 's,
        R::Err: WsError,
        I: IntoResult<RESULT, Ok = T, Err = E>,
        T: StreamItem + Send + 's,
        E: WsError,
    {
        match returned.into_stream() {
            Ok(stream) => {
                let into_result = |item: I| item.into_result().map_err(WsError::into_rejection);
                Box::pin(PumpFuture::new(self, stream, into_result, RESULT))
            }
            Err(error) => {
                let rejection = error.into_rejection();
                Box::pin(async move {
                    let Self { shared, call, .. } = self;
                    shared.loan_slot().with(&shared, |answers| answers.finish::<()>(&call, Err(rejection)));
                })
            }
        }
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("event", &&*self.call.event).finish_non_exhaustive()
    }
}
