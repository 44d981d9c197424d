//! Streams in memory that are cut after any byte, stall, and deliver in pieces.
//!
//! A [`Line`] connects a client to a server, and its [`Cable`] controls the bytes between them. On tokio's paused clock all
//! of it is deterministic. [`for_each_seed`] runs a test with many seeds and prints the one that fails.

mod chance;
mod line;
mod pipe;
mod seeds;
mod stream;

pub use chance::Chance;
pub use line::{Connected, Line};
pub use pipe::{Direction, Ending};
pub use seeds::for_each_seed;
pub use stream::{CableStream, Delivery};

use pipe::Pipe;
use std::io;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

/// Controls the bytes between two [`CableStream`]s.
///
/// A byte has passed when the writer has written it. After a cut, bytes that have passed still arrive, in both directions.
#[derive(Clone, Debug)]
pub struct Cable {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    to_server: Pipe,
    to_client: Pipe,
    /// The source of the sizes of pieces.
    pieces: Option<Chance>,
}

impl Cable {
    /// Lays a cable. Returns the client's stream and the server's.
    #[must_use]
    pub fn lay(delivery: Delivery) -> (CableStream, CableStream, Self) {
        let pieces = match delivery {
            Delivery::Whole => None,
            Delivery::Pieces { seed } => Some(Chance::new(seed)),
        };
        let state = State { to_server: Pipe::default(), to_client: Pipe::default(), pieces };
        let cable = Self { state: Arc::new(Mutex::new(state)) };
        let stream = |writes| CableStream::new(cable.clone(), writes);
        (stream(Direction::ToServer), stream(Direction::ToClient), cable)
    }

    /// Cuts the cable now.
    pub fn cut(&self, ending: Ending) {
        self.update(|state| state.cut(ending));
    }

    /// Cuts the cable when this number of further bytes has passed in a direction; 0 cuts it now.
    ///
    /// The write that contains the last byte succeeds as a whole, because its writer does not know of the cut yet. Each
    /// direction may have its own number. The first that is reached cuts both.
    pub fn cut_after(&self, direction: Direction, bytes: u64, ending: Ending) {
        self.update(|state| {
            if bytes == 0 {
                state.cut(ending);
            } else {
                let pipe = state.pipe(direction);
                pipe.cut_at = Some((pipe.written + bytes, ending));
            }
        });
    }

    /// Stalls both directions: no byte is read or written until [`release`](Self::release).
    pub fn stall(&self) {
        self.update(|state| {
            for pipe in state.pipes() {
                pipe.hold_at = Some(pipe.read);
            }
        });
    }

    /// Stalls a direction when this number of further bytes has passed in it, until [`release`](Self::release). These
    /// bytes arrive.
    pub fn stall_after(&self, direction: Direction, bytes: u64) {
        self.update(|state| {
            let pipe = state.pipe(direction);
            pipe.hold_at = Some(pipe.written + bytes);
        });
    }

    /// Ends the stalls of both directions.
    pub fn release(&self) {
        self.update(|state| {
            for pipe in state.pipes() {
                pipe.hold_at = None;
            }
        });
    }

    /// Returns the number of bytes that have passed in a direction.
    #[must_use]
    pub fn passed(&self, direction: Direction) -> u64 {
        self.lock().pipe(direction).written
    }

    /// Returns true if the cable is cut, or both streams are closed.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.lock().pipes().into_iter().all(|pipe| pipe.closed.is_some())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panicked with the lock")
    }

    /// Reads or writes. A change wakes the tasks that wait for one.
    fn poll<T>(&self, poll: impl FnOnce(&mut State) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let mut state = self.lock();
        let polled = poll(&mut state);
        if polled.is_pending() {
            return polled;
        }
        drop(state);
        self.update(|_| {});
        polled
    }

    /// Updates the state. Then wakes all tasks that wait for it, outside the lock.
    fn update(&self, update: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        update(&mut state);
        let wakers: Vec<_> = state.pipes().into_iter().flat_map(|pipe| mem::take(&mut pipe.waiting)).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl State {
    fn pipe(&mut self, direction: Direction) -> &mut Pipe {
        self.pipe_and_pieces(direction).0
    }

    fn pipe_and_pieces(&mut self, direction: Direction) -> (&mut Pipe, Option<&mut Chance>) {
        let pipe = match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        };
        (pipe, self.pieces.as_mut())
    }

    fn pipes(&mut self) -> [&mut Pipe; 2] {
        [&mut self.to_server, &mut self.to_client]
    }

    fn cut(&mut self, ending: Ending) {
        for pipe in self.pipes() {
            pipe.hold_at = None;
            pipe.closed.get_or_insert(ending);
        }
    }
}
