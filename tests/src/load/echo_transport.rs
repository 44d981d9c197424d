//! A transport that answers calls of `echo` itself, without a task.

use super::wire::{empty, texts};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::task::{Context, Poll};
use wswrapper::transport::{Close, Frame, Output, Text, Transport, TransportError};

/// Answers at each flush all calls that were written before it.
pub struct EchoTransport {
    output: Output,
    answers: VecDeque<Text>,
}

impl Default for EchoTransport {
    fn default() -> Self {
        Self { output: Output::websocket_server(), answers: VecDeque::new() }
    }
}

impl EchoTransport {
    fn answer(&mut self) {
        let (mut batch, mut ends) = (Vec::with_capacity(self.output.len()), Vec::new());
        for call in texts(self.output.stream()) {
            let call = str::from_utf8(call).expect("a text is UTF-8");
            let call = call.strip_prefix(r#"{"a":["echo","#).and_then(|call| call.strip_suffix('}'));
            let (argument, id) = call.and_then(|call| call.rsplit_once(r#"],"i":"#)).expect("only `echo` is called");
            write!(batch, r#"{{"i":{id},"d":{argument}}}"#).expect("there is memory");
            ends.push(batch.len());
        }
        let mut batch = Bytes::from(batch);
        let mut start = 0;
        self.answers.extend(ends.into_iter().map(|end| {
            let answer = batch.split_to(end - std::mem::replace(&mut start, end));
            Text::try_from(answer).expect("a text is UTF-8")
        }));
        empty(&mut self.output);
    }
}

impl Transport for EchoTransport {
    fn poll_frame(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        // The next flush wakes the reader.
        self.answers.pop_front().map_or(Poll::Pending, |answer| Poll::Ready(Some(Ok(Frame::Text(answer)))))
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.output.is_empty() {
            self.answer();
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn close(&mut self, _: &Close) {}
}
