//! The two streams that a cable connects.

use super::pipe::{Direction, Ending, Written};
use super::{Cable, State};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The sizes in which bytes are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// As much as there is at a time.
    Whole,
    /// Pieces of random sizes. Sometimes a poll is pending although there are bytes, and the task is woken at once.
    Pieces {
        /// The seed of the sizes.
        seed: u64,
    },
}

/// One of the two streams of a [`Cable`]. Dropping it closes the cable: bytes that it has written still arrive.
#[derive(Debug)]
pub struct CableStream {
    cable: Cable,
    /// The direction in which this stream writes.
    writes: Direction,
}

impl CableStream {
    pub(super) fn new(cable: Cable, writes: Direction) -> Self {
        Self { cable, writes }
    }
}

impl AsyncRead for CableStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let poll = |state: &mut State| {
            let (pipe, pieces) = state.pipe_and_pieces(self.writes.opposite());
            pipe.poll_read(cx, buffer, pieces)
        };
        self.cable.poll(poll)
    }
}

impl AsyncWrite for CableStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = |state: &mut State| {
            let (pipe, pieces) = state.pipe_and_pieces(self.writes);
            pipe.poll_write(cx, bytes, pieces).map_ok(|written| match written {
                Written::Bytes(accepted) => accepted,
                Written::CutWithin(accepted, ending) => {
                    state.cut(ending);
                    accepted
                }
            })
        };
        self.cable.poll(poll)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.cable.update(|state| {
            state.pipe(self.writes).closed.get_or_insert(Ending::Eof);
        });
        Poll::Ready(Ok(()))
    }
}

impl Drop for CableStream {
    fn drop(&mut self) {
        self.cable.update(|state| {
            state.pipe(self.writes).closed.get_or_insert(Ending::Eof);
            state.pipe(self.writes.opposite()).drop_reader();
        });
    }
}
