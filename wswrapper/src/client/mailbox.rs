//! The requests of handles to the task of a client.

use super::connector::{BoxConnector, NewConnection};
use crate::catch_panic::drop_logging_panic;
use crate::error::ConnectError;
use crate::lock::lock;
use crate::rt::Instant;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use tokio::sync::oneshot;

/// Receives the result of a request: whether the next connection was opened.
pub(super) type Opening = oneshot::Receiver<Result<(), Arc<ConnectError>>>;
/// Sends the result of a request.
pub(super) type Waiter = oneshot::Sender<Result<(), Arc<ConnectError>>>;

/// A request for the next connection.
pub(super) enum Command {
    /// Connect by a connector, now and from now on.
    Connect(BoxConnector, Waiter),
    /// Use a connection that is open.
    Bind(NewConnection, Waiter),
    /// Connect again by the present connector.
    Restart(Waiter),
}

/// A command, and the number of closes that handles had requested before. A later close revokes it.
pub(super) struct Request {
    pub(super) command: Command,
    pub(super) closes: u64,
}

/// The requests that the task has not taken. A later one for the next connection replaces an earlier one.
#[derive(Default)]
pub(super) struct Mailbox {
    /// True if there is something to take. So the task looks at the lock only then.
    has_news: AtomicBool,
    contents: Mutex<Contents>,
}

#[derive(Default)]
struct Contents {
    command: Option<Request>,
    /// The time at which the client stops at the latest.
    stop: Option<Instant>,
    /// True if all handles were dropped.
    is_released: bool,
    /// True if the task has ended.
    is_ended: bool,
    waker: Option<Waker>,
}

/// The contents of the mailbox that the task takes.
#[derive(Default)]
pub(super) struct News {
    pub(super) command: Option<Request>,
    pub(super) stop: Option<Instant>,
    pub(super) is_released: bool,
}

impl Command {
    /// Returns the handle that waits for the next connection.
    pub(super) fn into_waiter(self) -> Waiter {
        match self {
            Self::Restart(waiter) => waiter,
            // What is dropped is a user's.
            Self::Connect(connector, waiter) => {
                drop_logging_panic(connector, "the connector");
                waiter
            }
            Self::Bind(connection, waiter) => {
                drop_logging_panic(connection, "a transport");
                waiter
            }
        }
    }
}

impl Mailbox {
    /// Leaves a request for the next connection. Returns false if the task has ended.
    pub(super) fn send(&self, request: Request) -> bool {
        let mut replaced = None;
        self.change(|contents| replaced = contents.command.replace(request))
    }

    /// Requests the task to stop at this time at the latest. The earliest counts.
    pub(super) fn stop(&self, deadline: Instant) {
        self.change(|contents| contents.stop = Some(contents.stop.map_or(deadline, |stop| stop.min(deadline))));
    }

    /// Returns the time at which the client stops at the latest, if it was stopped.
    pub(super) fn stop_deadline(&self) -> Option<Instant> {
        lock(&self.contents).stop
    }

    /// Records that all handles were dropped.
    pub(super) fn release(&self) {
        self.change(|contents| contents.is_released = true);
    }

    /// Changes the contents and wakes the task. Returns false if it has ended.
    fn change(&self, change: impl FnOnce(&mut Contents)) -> bool {
        let mut contents = lock(&self.contents);
        if contents.is_ended {
            return false;
        }
        change(&mut contents);
        self.has_news.store(true, Ordering::Release);
        let waker = contents.waker.clone();
        drop(contents);
        waker.into_iter().for_each(Waker::wake);
        true
    }

    /// Registers the task.
    pub(super) fn register(&self, waker: &Waker) {
        let waker = waker.clone();
        let old = lock(&self.contents).waker.replace(waker);
        drop(old);
    }

    /// Takes what is new. That the task stops, or that all handles were dropped, stays.
    #[inline]
    pub(super) fn take(&self) -> Option<News> {
        if self.has_news.load(Ordering::Acquire) { Some(self.take_news()) } else { None }
    }

    #[cold]
    fn take_news(&self) -> News {
        let mut contents = lock(&self.contents);
        self.has_news.store(false, Ordering::Relaxed);
        News { command: contents.command.take(), stop: contents.stop, is_released: contents.is_released }
    }

    /// Returns true if all handles were dropped.
    pub(super) fn is_released(&self) -> bool {
        lock(&self.contents).is_released
    }

    /// Returns true if the task stops or has ended.
    pub(super) fn is_stopping(&self) -> bool {
        let contents = lock(&self.contents);
        contents.stop.is_some() || contents.is_ended
    }

    /// Records that the task has ended, and drops what it has not taken.
    pub(super) fn end(&self) {
        let mut contents = lock(&self.contents);
        contents.is_ended = true;
        let dropped = (contents.command.take(), contents.waker.take());
        drop(contents);
        drop(dropped);
    }
}
