//! Handlers that take a stream from their caller.

use crate::catch_panic::catch_panic;
use crate::engine::{Answering, Answers, BoxRunning, Response, Running, Shared};
use crate::error::ServiceError;
use crate::proto::{AwaitedResult, ChannelKey, Reason, Rejection, code};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The future of a handler that takes an upload. It answers the request by which the caller asks for the result
    ///
    struct UploadHandler<F, T> {
        call: Answering,
        channel: UploadChannel,
        #[pin]
        handler: F,
        outcome: Option<Result<T, Rejection>>,
    }
}

/// The channel of an upload. It is closed or aborted when the handler is dropped.
struct UploadChannel {
    shared: Arc<Shared>,
    key: ChannelKey,
    /// None until the handler has finished.
    result: Option<ResultState>,
}

/// The fate of the result of a handler that has finished.
enum ResultState {
    Sent,
    /// The caller has not requested the result and will not.
    NotRequested,
}

/// Creates the future of a handler whose upload is open.
pub(super) fn upload_handler<F, T>(shared: &Arc<Shared>, call: Answering, key: ChannelKey, handler: F) -> BoxRunning
where
    F: Future<Output = Result<T, Rejection>> + Send + 'static,
    T: Response + Send + 'static,
{
    let channel = UploadChannel { shared: Arc::clone(shared), key, result: None };
    Box::pin(UploadHandler { call, channel, handler, outcome: None })
}

impl<F, T> Running for UploadHandler<F, T>
where
    F: Future<Output = Result<T, Rejection>> + Send,
    T: Response + Send,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, answers: &mut Answers<'_>) -> Poll<()> {
        let this = self.project();
        if this.outcome.is_none() {
            // The request for the result may not have come yet. A panic is kept until then, as any outcome.
            *this.outcome = Some(match catch_panic(|| this.handler.poll(cx)) {
                Ok(polled) => ready!(polled),
                Err(message) => {
                    let event = this.call.event.to_string();
                    this.channel.shared.report(&ServiceError::Panicked { event, message });
                    Err(Rejection::internal_error())
                }
            });
        }
        match this.channel.shared.awaited_result(this.channel.key) {
            AwaitedResult::NotYet => return Poll::Pending,
            AwaitedResult::Never => this.channel.result = Some(ResultState::NotRequested),
            AwaitedResult::Request(id) => {
                let call = Answering { id: Some(id), ..this.call.clone() };
                if let Some(outcome) = this.outcome.take() {
                    answers.finish(&call, outcome);
                    // Not before: a result that panics while it is encoded is rejected with the channel's abort.
                    this.channel.result = Some(ResultState::Sent);
                }
            }
        }
        Poll::Ready(())
    }
}

impl Drop for UploadChannel {
    fn drop(&mut self) {
        let Self { shared, key, result } = self;
        match result {
            Some(ResultState::Sent) => shared.close_channel(*key),
            Some(ResultState::NotRequested) => {
                let reason = Reason::new("The result was not asked for").with_code(code::CHANNEL_CLOSED);
                shared.abort_channel(*key, Some(&reason));
            }
            // The handler was stopped. A caller that waits for the result is notified.
            None => shared.abort_channel(*key, None),
        }
    }
}
