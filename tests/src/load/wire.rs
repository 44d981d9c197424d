//! A transport that reads frames from a feeder and counts the text frames that are written to it.

use bytes::Bytes;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::iter;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use wswrapper::transport::{Close, Frame, Output, Text, Transport, TransportError};

/// A transport without a peer. In steady state it neither copies nor allocates.
pub struct Wire {
    inbox: Arc<Mutex<Inbox>>,
    /// Taken from the inbox all at once, as one read of a socket returns many frames.
    frames: VecDeque<Text>,
    output: Output,
    tally: Tally,
}

/// Feeds a [`Wire`].
pub struct Feeder {
    inbox: Arc<Mutex<Inbox>>,
}

/// Counts the text frames written to one or more wires.
#[derive(Clone, Default)]
pub struct Tally(Arc<Mutex<Counted>>);

#[derive(Default)]
struct Inbox {
    frames: VecDeque<Text>,
    reader: Option<Waker>,
}

#[derive(Default)]
struct Counted {
    texts: usize,
    last: Vec<u8>,
    awaited: usize,
    watcher: Option<Waker>,
}

/// Creates a wire that counts in `tally`, and its feeder.
pub fn wire(tally: &Tally) -> (Feeder, Wire) {
    let inbox = Arc::<Mutex<Inbox>>::default();
    let output = Output::websocket_server();
    let wire = Wire { inbox: Arc::clone(&inbox), frames: VecDeque::new(), output, tally: tally.clone() };
    (Feeder { inbox }, wire)
}

impl Feeder {
    /// Makes `frames` available to the reader.
    pub fn feed(&self, frames: impl IntoIterator<Item = Bytes>) {
        let mut inbox = self.inbox.lock().expect("no panic while locked");
        let texts = frames.into_iter().map(|frame| Text::try_from(frame).expect("a text is UTF-8"));
        inbox.frames.extend(texts);
        let reader = inbox.reader.take();
        drop(inbox);
        reader.into_iter().for_each(Waker::wake);
    }
}

impl Tally {
    /// Returns the number of text frames written so far.
    pub fn texts(&self) -> usize {
        self.0.lock().expect("no panic while locked").texts
    }

    /// Returns the text frame that completed the awaited number.
    pub fn last(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic while locked").last.clone()).expect("a text is UTF-8")
    }

    /// Waits until `texts` text frames have been written.
    pub async fn reaches(&self, texts: usize) {
        let reached = poll_fn(|cx| {
            let mut counted = self.0.lock().expect("no panic while locked");
            counted.awaited = texts;
            counted.watcher = Some(cx.waker().clone());
            if counted.texts >= texts { Poll::Ready(()) } else { Poll::Pending }
        });
        reached.await;
    }

    fn add(&self, output: &Output) {
        let mut counted = self.0.lock().expect("no panic while locked");
        for text in texts(output.stream()) {
            counted.texts += 1;
            if counted.texts == counted.awaited {
                counted.last.clear();
                counted.last.extend_from_slice(text);
            }
        }
        let watcher = if counted.texts >= counted.awaited { counted.watcher.take() } else { None };
        drop(counted);
        watcher.into_iter().for_each(Waker::wake);
    }
}

impl Transport for Wire {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        if self.frames.is_empty() {
            let mut inbox = self.inbox.lock().expect("no panic while locked");
            std::mem::swap(&mut self.frames, &mut inbox.frames);
            if self.frames.is_empty() {
                inbox.reader = Some(cx.waker().clone());
            }
        }
        self.frames.pop_front().map_or(Poll::Pending, |frame| Poll::Ready(Some(Ok(Frame::Text(frame)))))
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.output.is_empty() {
            self.tally.add(&self.output);
            empty(&mut self.output);
        }
        Poll::Ready(Ok(()))
    }

    fn close(&mut self, _: &Close) {}
}

/// Returns the payloads of a stream of unmasked WebSocket text frames.
pub fn texts(mut stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    iter::from_fn(move || {
        let (head, length): (_, usize) = match *stream {
            [_, 126, a, b, ..] => (4, u16::from_be_bytes([a, b]).into()),
            [_, length @ 0..126, ..] => (2, length.into()),
            [] => return None,
            _ => panic!("no text frame in the benchmarks is that long"),
        };
        let (frame, rest) = stream.split_at(head + length);
        stream = rest;
        Some(&frame[head..])
    })
}

/// Discards the written bytes and keeps the buffer.
pub fn empty(output: &mut Output) {
    output.advance(output.len());
    let buffer = output.take_buffer();
    *output.buffer() = buffer;
}
