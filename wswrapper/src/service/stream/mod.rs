//! Handlers that answer with a stream.
//!
//! The handler's future also sends the stream, because the stream may borrow the service.

mod pump;

use self::pump::PumpFuture;
use crate::engine::{Answering, Answers, BoxRunning, Running, Shared};
use crate::proto::Resume;
use crate::stream::Tracking;
use crate::value::{IntoResult, StreamItem, WsError};
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The policy of a producer whose consumer is slower than the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnFull {
    /// Do not poll the stream.
    Wait,
    /// Keep items up to a window. If it is full, drop the oldest item.
    DropOldest,
    /// Keep items up to a window. If it is full, drop the new item.
    DropNewest,
    /// Keep only the latest item.
    Latest,
    /// Finish the stream with an error.
    Close,
}

/// The return type of a handler that sends a stream: a stream, or a `Result` whose `Ok` type is a stream.
///
/// `M` distinguishes the two.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a stream nor a `Result` of one",
    label = "not a stream",
    note = "a stream must be the whole return type, or the `Ok` type of a `Result`"
)]
pub trait IntoStream<M> {
    /// The type of the items.
    type Item;
    /// The type of the stream.
    type Stream: Stream<Item = Self::Item>;
    /// The type of the error.
    type Err;

    /// Converts the value into a `Result`.
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
    /// The position of the stream, if the caller has asked for a resumable one.
    pub(super) tracking: Option<Box<Tracking>>,
}

pin_project! {
    /// The future of a handler that sends a stream.
    struct StreamHandler<F> {
        shared: Arc<Shared>,
        #[pin]
        future: F,
    }
}

/// Creates the future of a handler, which sends its stream with the producer that it gets.
pub(super) fn stream_handler<F, Fut>(
    shared: &Arc<Shared>,
    call: Answering,
    on_full: OnFull,
    resume: Option<Resume>,
    handler: F,
) -> BoxRunning
where
    F: FnOnce(Box<Producer>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let tracking = resume.map(|resume| Box::new(Tracking::new(resume)));
    // The future of the handler would hold it several times.
    let producer = Box::new(Producer { shared: Arc::clone(shared), call, on_full, tracking });
    Box::pin(StreamHandler { shared: Arc::clone(shared), future: handler(producer) })
}

impl<F: Future<Output = ()> + Send> Running for StreamHandler<F> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, answers: &mut Answers<'_>) -> Poll<()> {
        let this = self.project();
        this.shared.loan_slot().lend_while(answers, || this.future.poll(cx))
    }
}

impl Producer {
    /// Answers with a channel and sends the stream's items on it, as far as its consumer grants credit [P-80].
    ///
    /// The future is boxed because the compiler would repeat each error about the types for an opaque future.
    pub fn run<'s, R, I, T, E, M, const RESULT: bool>(
        self: Box<Self>,
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
                    let Self { shared, call, .. } = *self;
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
