//! A service with calls, events and streams, and random uses of it that check their results.

use super::{Runs, builder};
use futures_util::stream;
use std::convert::Infallible;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use wswrapper::error::SendError;
use wswrapper::{CallError, Server, Stream, ws_handlers, ws_service};
use wswrapper_tests::cable::Chance;

/// The actions of each client.
pub(super) const ACTIONS: usize = 12;

#[ws_service(channel = "work")]
pub(super) trait Work {
    /// Returns `n` after some milliseconds.
    async fn echo(&self, n: usize, milliseconds: u64) -> usize;
    /// The numbers from 0 to `to`, with breaks of some milliseconds.
    async fn count(&self, n: usize, to: u32, milliseconds: u64) -> impl Stream<Item = u32> + Send;
    #[ws(event)]
    async fn note(&self, n: usize);
}

/// Counts the runs for each number of an action.
struct Worker(Arc<[Runs; ACTIONS]>);

#[ws_handlers]
impl Work for Worker {
    async fn echo(&self, n: usize, milliseconds: u64) -> usize {
        self.0[n].add();
        pause(milliseconds).await;
        n
    }

    async fn count(&self, n: usize, to: u32, milliseconds: u64) -> impl Stream<Item = u32> + Send {
        self.0[n].add();
        stream::unfold(0, move |next| async move {
            pause(milliseconds).await;
            (next < to).then_some((next, next + 1))
        })
    }

    async fn note(&self, n: usize) {
        self.0[n].add();
    }
}

pub(super) async fn pause(milliseconds: u64) {
    if milliseconds > 0 {
        sleep(Duration::from_millis(milliseconds)).await;
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    Call {
        milliseconds: u64,
    },
    /// A call that is dropped after some milliseconds, if it has not finished.
    DroppedCall {
        milliseconds: u64,
        after: u64,
    },
    Event,
    Stream {
        to: u32,
        window: u32,
        milliseconds: u64,
    },
    /// A stream of which only the first item is taken.
    DroppedStream {
        to: u32,
    },
}

impl Action {
    pub(super) fn random(chance: &mut Chance) -> Self {
        let milliseconds = chance.one_of(&[0, 0, 1, 7]);
        let to = chance.one_of(&[0, 1, 5, 40]);
        match chance.between(0, 5) {
            0 | 1 => Self::Call { milliseconds },
            2 => Self::DroppedCall { milliseconds, after: chance.one_of(&[0, 1, 3]) },
            3 => Self::Event,
            4 => Self::Stream { to, window: chance.one_of(&[1, 4, 64]), milliseconds },
            _ => Self::DroppedStream { to },
        }
    }

    /// Performs the action, and checks its result. Returns the range that the runs of its handler must have.
    pub(super) async fn perform(self, n: usize, work: &WorkProxy) -> RangeInclusive<usize> {
        match self {
            Self::Call { milliseconds } => called(work.echo(n, milliseconds).await, n),
            Self::DroppedCall { milliseconds, after } => {
                let call = timeout(Duration::from_millis(after), work.echo(n, milliseconds)).await;
                call.map_or(0..=1, |result| called(result, n))
            }
            Self::Event => match work.note(n).await {
                Ok(()) => 0..=1,
                Err(error) => {
                    assert!(matches!(error, SendError::Closed(_)), "{error:?}");
                    0..=0
                }
            },
            Self::Stream { to, window, milliseconds } => {
                let mut items = match work.count(n, to, milliseconds).window(window).await {
                    Ok(items) => items,
                    Err(error) => return failed(&error),
                };
                let mut next = 0;
                loop {
                    match items.next().await {
                        Some(Ok(item)) => {
                            assert_eq!(item, next, "no item is lost or comes twice");
                            next += 1;
                        }
                        None => break assert_eq!(next, to, "an end is the end of all items"),
                        Some(Err(error)) => {
                            assert!(matches!(error, CallError::Closed(_)), "{error:?}");
                            break assert!(items.next().await.is_none(), "the error is the last");
                        }
                    }
                }
                1..=1
            }
            Self::DroppedStream { to } => match work.count(n, to, 0).await {
                Ok(mut items) => {
                    drop(items.next().await);
                    1..=1
                }
                Err(error) => failed(&error),
            },
        }
    }
}

fn called(result: Result<usize, CallError<Infallible>>, n: usize) -> RangeInclusive<usize> {
    match result {
        Ok(returned) => {
            assert_eq!(returned, n);
            1..=1
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &CallError<Infallible>) -> RangeInclusive<usize> {
    match error {
        CallError::Closed(_) => 0..=1,
        CallError::NotSent(SendError::Closed(_)) => 0..=0,
        error => panic!("{error:?}"),
    }
}

/// A server, and the counts of the runs of its handlers.
pub(super) fn working_server() -> (Server, Arc<[Runs; ACTIONS]>) {
    let runs: Arc<[Runs; ACTIONS]> = Arc::default();
    let server = builder().service(Worker(Arc::clone(&runs))).build().expect("the service can be mounted");
    (server, runs)
}
