//! The bytes of a cable in one direction.

use super::Chance;
use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, Waker};
use tokio::io::ReadBuf;

/// The bytes that may be unread in one direction. It is small, so that writers wait for readers.
const CAPACITY: usize = 4 * 1024;

/// The direction of bytes on a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Direction {
    /// Both directions.
    pub const BOTH: [Self; 2] = [Self::ToServer, Self::ToClient];

    pub(super) fn opposite(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

/// The end of the bytes of a cable that is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Readers reach the end of the stream. Writers fail with [`io::ErrorKind::BrokenPipe`].
    Eof,
    /// Readers and writers fail with [`io::ErrorKind::ConnectionReset`].
    Reset,
}

impl Ending {
    /// Both endings.
    pub const BOTH: [Self; 2] = [Self::Eof, Self::Reset];
}

#[derive(Debug, Default)]
pub(super) struct Pipe {
    bytes: VecDeque<u8>,
    /// The number of all bytes that were written and of those that were read.
    pub(super) written: u64,
    pub(super) read: u64,
    /// The number of bytes that may pass during a stall.
    pub(super) hold_at: Option<u64>,
    /// The number of bytes after which the cable is cut.
    pub(super) cut_at: Option<(u64, Ending)>,
    pub(super) closed: Option<Ending>,
    /// The tasks that wait for a change of the cable.
    pub(super) waiting: Vec<Waker>,
}

/// The outcome of a write.
pub(super) enum Written {
    /// This number of bytes was accepted.
    Bytes(usize),
    /// As `Bytes`. One of these bytes was the last before the cut.
    CutWithin(usize, Ending),
}

impl Pipe {
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        pieces: Option<&mut Chance>,
    ) -> Poll<io::Result<Written>> {
        match self.closed {
            Some(Ending::Eof) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Some(Ending::Reset) => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            None => {}
        }
        if bytes.is_empty() {
            return Poll::Ready(Ok(Written::Bytes(0)));
        }
        let accepted = bytes.len().min(CAPACITY - self.bytes.len()).min(self.passing(self.written));
        if accepted == 0 {
            return self.wait(cx);
        }
        let Some(accepted) = piece(accepted, cx, pieces) else { return Poll::Pending };
        let cut = self.cut_at.map(|(at, ending)| (bounded(at - self.written), ending));
        let (passed, written) = match cut {
            Some((left, ending)) if left <= accepted => (left, Written::CutWithin(accepted, ending)),
            _ => (accepted, Written::Bytes(accepted)),
        };
        self.bytes.extend(&bytes[..passed]);
        self.written += passed as u64;
        Poll::Ready(Ok(written))
    }

    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        pieces: Option<&mut Chance>,
    ) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() {
            return match self.closed {
                Some(Ending::Eof) => Poll::Ready(Ok(())),
                Some(Ending::Reset) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                None => self.wait(cx),
            };
        }
        let readable = self.bytes.len().min(buffer.remaining());
        if readable == 0 {
            return Poll::Ready(Ok(()));
        }
        let readable = readable.min(self.passing(self.read));
        if readable == 0 {
            return self.wait(cx);
        }
        let Some(readable) = piece(readable, cx, pieces) else { return Poll::Pending };
        for byte in self.bytes.drain(..readable) {
            buffer.put_slice(&[byte]);
        }
        self.read += readable as u64;
        Poll::Ready(Ok(()))
    }

    /// Discards what is unread, because the reader is gone.
    pub(super) fn drop_reader(&mut self) {
        self.bytes.clear();
        self.closed.get_or_insert(Ending::Eof);
    }

    /// Returns the number of bytes that may pass after `position`.
    fn passing(&self, position: u64) -> usize {
        self.hold_at.map_or(usize::MAX, |at| bounded(at.saturating_sub(position)))
    }

    fn wait<T>(&mut self, cx: &Context<'_>) -> Poll<T> {
        if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// Returns the size of the next piece of `bytes`, or `None` if the task is woken and polls again.
fn piece(bytes: usize, cx: &Context<'_>, pieces: Option<&mut Chance>) -> Option<usize> {
    let Some(chance) = pieces else { return Some(bytes) };
    if chance.one_in(4) {
        cx.waker().wake_by_ref();
        return None;
    }
    let largest = if chance.one_in(2) { 3 } else { 200 };
    Some(chance.between(1, bytes.min(largest)))
}

fn bounded(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
