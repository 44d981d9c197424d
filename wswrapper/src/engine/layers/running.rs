//! The future of a layer, as a handler of its connection.

use super::call::LayeredCall;
use super::reply::Reply;
use crate::catch_panic::catch_panic;
use crate::engine::answers::{Answering, Answers};
use crate::engine::handler::{BoxRunning, Running};
use crate::engine::loan::{LeftByLayer, Owner};
use crate::engine::shared::Shared;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

pin_project! {
    /// The future of a layer. It lends the output to the rest of the call, and writes the reply of the layer.
    pub(crate) struct LayeredRunning<F> {
        shared: Arc<Shared>,
        owner: Owner,
        call: Answering,
        channel: Option<Box<str>>,
        // `None` once the layer has replied.
        #[pin]
        future: Option<F>,
        // True if the handler has responded, or was handed an event.
        is_handled: bool,
        // The handler whose channel is open. It continues beside the layer.
        tail: Option<BoxRunning>,
    }
}

impl<F: Future<Output = Reply> + Send + 'static> LayeredRunning<F> {
    /// Creates the future of a layer around a call.
    pub(crate) fn boxed(call: LayeredCall, start: impl FnOnce(LayeredCall) -> F) -> BoxRunning {
        let (shared, owner, answering) = (Arc::clone(&call.shared), call.owner(), call.answering());
        let channel = call.state.channel.clone();
        let future = Some(start(call));
        Box::pin(Self { shared, owner, call: answering, channel, future, is_handled: false, tail: None })
    }
}

impl<F: Future<Output = Reply> + Send> Running for LayeredRunning<F> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, answers: &mut Answers<'_>) -> Poll<()> {
        let mut this = self.project();
        if let Some(mut future) = this.future.as_mut().as_pin_mut() {
            let slot = this.shared.loan_slot();
            let polled = catch_panic(|| slot.lend_to(*this.owner, answers, || future.as_mut().poll(cx)));
            *this.is_handled |= std::mem::take(&mut answers.progress.layers.is_handled);
            if let Some(LeftByLayer::Tail(tail)) = slot.take_left() {
                *this.tail = Some(tail);
            }
            let dropped = match &polled {
                Ok(Poll::Pending) => Ok(()),
                // The drop of a user's future may panic.
                _ => catch_panic(|| this.future.set(None)),
            };
            match polled.and_then(|polled| dropped.map(|()| polled)) {
                // The outer layer may reply something else.
                Ok(Poll::Ready(reply)) if !*this.is_handled && answers.progress.layers.is_nested => {
                    slot.leave(LeftByLayer::Reply(reply));
                }
                Ok(Poll::Ready(reply)) if !*this.is_handled => {
                    *this.is_handled = true;
                    answers.reply(this.call, this.channel.as_deref(), reply);
                }
                Ok(_) => {}
                Err(message) => {
                    let id = this.call.id.filter(|_| !*this.is_handled);
                    *this.is_handled = true;
                    answers.panicked(id, &this.call.event, message);
                }
            }
        }
        if let Some(tail) = this.tail
            && tail.as_mut().poll(cx, answers).is_ready()
        {
            *this.tail = None;
            // A layer that goes on is a handler like others.
            answers.progress.layers.stream_ended = true;
        }
        if this.future.is_none() && this.tail.is_none() {
            return Poll::Ready(());
        }
        // An outer layer sees it, and the driver, so that the request is not answered twice.
        answers.progress.layers.is_handled = *this.is_handled;
        Poll::Pending
    }
}

impl Answers<'_> {
    /// Writes the reply of a layer to a call that no handler has responded to.
    fn reply(&mut self, call: &Answering, channel: Option<&str>, reply: Reply) {
        match reply {
            Reply::Handled(_) | Reply::Uploading => {}
            Reply::Json(None) => self.finish(call, Ok(())),
            Reply::Json(Some(value)) => self.finish(call, Ok(value)),
            Reply::Rejected(rejection) => {
                self.report(call, &rejection);
                self.refuse(call.id, &call.event, channel, rejection);
            }
        }
    }
}
