//! The drain of a server: what runs may finish, nothing new starts.

use super::{Phase, Server, ServerBuilder};
use crate::engine::{BackgroundTasks, Epoch, Totals};
use crate::error::{MountError, SendError};
use crate::rt::{self, Instant, RuntimeHandle};
use crate::service::encode_call;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

/// The parts of a server that its drain needs.
#[derive(Default, Debug)]
pub(crate) struct Drain {
    /// The number of connections when the drain began.
    connections: Arc<OnceLock<usize>>,
}

/// The progress of a server's [`shutdown`](Server::shutdown): a future of the report.
///
/// The shutdown goes on if it is dropped. It does not keep the server open. Cancel-safe.
pub struct Shutdown {
    report: Pin<Box<dyn Future<Output = ShutdownReport> + Send>>,
}

/// The result of a server's [`shutdown`](Server::shutdown).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Connections on which everything finished in time: they were idle, their calls finished, or their peers left.
    pub ended: usize,
    /// Connections that were closed while something ran on them.
    pub cut_off: usize,
    /// Calls that were cancelled with these connections: handlers of requests and events, streams and uploads that had
    /// not finished.
    pub calls_cancelled: usize,
    /// Tasks of [background work](Server::spawn) that were dropped before they had finished.
    pub background_cut_off: usize,
}

impl ServerBuilder {
    /// Names an event that all peers receive when the server [drains](Server::shutdown), before it rejects a request.
    ///
    /// It is sent on the main channel, without arguments. A peer may then connect elsewhere and send its next calls
    /// there. An invalid name is an error when the server is built.
    ///
    /// ```
    /// # use wswrapper::{Client, Server, transport::memory};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().drain_event("moving").build()?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # server.accept_transport(server_transport)?;
    /// let client = Client::connect_transport(client_transport)?;
    /// let (moving, mut is_moving) = tokio::sync::watch::channel(false);
    /// client.on("moving", move || {
    ///     moving.send_replace(true);
    ///     async {}
    /// })?;
    /// server.shutdown(Duration::from_secs(10));
    /// is_moving.changed().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn drain_event(mut self, name: &str) -> Self {
        match encode_call(None, name, ()) {
            Ok(event) => self.drain_event = Some(event.into_event().into()),
            // The name is the only part that can be invalid.
            Err(SendError::Name(error)) => self.settings.note(Err(MountError::Name(error))),
            Err(_) => {}
        }
        self
    }
}

impl Server {
    /// Starts to drain the server, which then closes. The future returns when all connections are closed and no background
    /// work runs.
    ///
    /// The shutdown starts at once, and goes on if the future or all handles of the server are dropped:
    ///
    /// 1. New connections are refused: `accept_transport` and `accept` fail with
    ///    [`AcceptError::Closing`](crate::error::AcceptError::Closing). A [`Listener`](crate::server::Listener) answers
    ///    handshakes with status 503 and `Retry-After: 1`, and still answers other requests.
    /// 2. All peers receive the [drain event](ServerBuilder::drain_event), if there is one.
    /// 3. New requests of peers are rejected with the code `ws:Draining`, also those on the channels of scoped services.
    ///    Events are still handled, and calls of the server to its peers are sent, because a running call may need them.
    /// 4. A connection is closed with status 1001 as soon as nothing runs on it and its output was written; an idle one
    ///    is closed at once. Handlers of requests and events count, `on_open` hooks, calls to the peer, streams and
    ///    uploads in both directions. Scoped services and other anonymous channels do not, because they have no end of
    ///    their own.
    /// 5. The server closes when all connections are closed and the [background work](Self::spawn) has ended.
    /// 6. When `deadline` has passed, everything that still runs is cancelled, background work is dropped, and the
    ///    remaining connections are closed as by [`close`](Self::close).
    ///
    /// So it takes at most `deadline`, [`close_timeout`](crate::Limits::close_timeout), and one second for hooks. A
    /// stream without end lasts until the deadline, unless its handler ends it by
    /// [`Context::draining`](crate::Context::draining).
    ///
    /// During a drain, [`close`](Self::close) cuts it short, and of several deadlines the earliest counts. Each future
    /// returns the same report. After `close` the report has the connections that `close` found.
    ///
    /// ```
    /// # use wswrapper::{Client, Server, transport::memory};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().build()?;
    /// server.on("slow", || async {
    ///     tokio::time::sleep(Duration::from_secs(2)).await;
    ///     "done"
    /// })?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # server.accept_transport(server_transport)?;
    /// let client = Client::connect_transport(client_transport)?;
    /// let running = tokio::spawn(client.request::<String>("slow", ()));
    /// # tokio::time::sleep(Duration::from_secs(1)).await;
    ///
    /// let shutdown = server.shutdown(Duration::from_secs(10));
    /// let refused = client.request::<String>("slow", ()).await.unwrap_err();
    /// assert_eq!(refused.to_string(), "the server is about to close");
    /// assert_eq!(running.await??, "done");
    /// let report = shutdown.await;
    /// assert_eq!((report.ended, report.cut_off, report.calls_cancelled), (1, 0, 0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime. The server then stays open.
    pub fn shutdown(&self, deadline: Duration) -> Shutdown {
        let runtime = RuntimeHandle::current();
        let until = rt::after(Instant::now(), deadline);
        let mut begins = false;
        self.inner.entrance.phase.send_if_modified(|phase| match phase {
            Phase::Open => {
                *phase = Phase::Draining(until);
                begins = true;
                true
            }
            Phase::Draining(earlier) if until < *earlier => {
                *earlier = until;
                true
            }
            _ => false,
        });
        if begins {
            let drain = &self.inner.entrance.drain;
            // After the phase: a connection that is not among these members sees the phase, and is closed.
            let members = self.registry().all();
            drain.set_connections(members.len());
            let epochs: Vec<_> = members.iter().map(|shared| shared.begin_drain(None)).collect();
            let _ = self.endpoint().drain_began.set(());
            runtime.spawn(self.clone().drain(epochs));
        }
        self.report()
    }

    /// Waits for the connections and for background tasks until the deadline, and closes the server.
    async fn drain(self, connections: Vec<Arc<Epoch>>) {
        let mut phase = self.inner.entrance.phase.subscribe();
        let mut ended = pin!(async {
            for connection in connections {
                connection.disconnected().await;
            }
            self.endpoint().background.ended().await;
        });
        loop {
            let Phase::Draining(until) = *phase.borrow_and_update() else { return };
            let mut changed = pin!(phase.changed());
            let ended_or_changed = poll_fn(|cx| match ended.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Waited::Ended),
                Poll::Pending => changed.as_mut().poll(cx).map(|_| Waited::Changed),
            });
            match rt::timeout(until.saturating_duration_since(Instant::now()), ended_or_changed).await {
                Ok(Waited::Changed) => {}
                Ok(Waited::Ended) => return self.close(),
                Err(_) => {
                    self.endpoint().background.cut_off();
                    return self.close();
                }
            }
        }
    }

    fn report(&self) -> Shutdown {
        let closed = self.closed();
        let connections = Arc::clone(&self.inner.entrance.drain.connections);
        let (totals, background) = (Arc::clone(&self.endpoint().totals), Arc::clone(&self.endpoint().background));
        let report = async move {
            closed.await;
            ShutdownReport::new(connections.get().copied().unwrap_or_default(), &totals, &background)
        };
        Shutdown { report: Box::pin(report) }
    }

    /// Returns true while the server drains: from [`shutdown`](Self::shutdown) on, until it
    /// [closes](Self::is_closing) its remaining connections.
    pub fn is_draining(&self) -> bool {
        matches!(*self.inner.entrance.phase.borrow(), Phase::Draining(_))
    }

    /// Waits until the server [drains](Self::shutdown) or closes. Cancel-safe.
    ///
    /// Handlers use [`Context::draining`](crate::Context::draining). The future does not keep the server open.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut phase = self.inner.entrance.phase.subscribe();
        async move {
            // Fails if the last handle of the server is gone, and with it all connections.
            let _ = phase.wait_for(|phase| *phase > Phase::Open).await;
        }
    }
}

/// The end of a wait before the deadline.
enum Waited {
    /// All connections and background tasks have ended.
    Ended,
    /// The deadline was changed, or the server closes.
    Changed,
}

impl Drain {
    /// Records the number of connections, unless it was recorded when the drain began.
    pub(super) fn set_connections(&self, connections: usize) {
        // Fails if it was.
        let _ = self.connections.set(connections);
    }
}

impl ShutdownReport {
    fn new(connections: usize, totals: &Totals, background: &BackgroundTasks) -> Self {
        let cut_off = totals.cut_off();
        Self {
            ended: connections.saturating_sub(cut_off),
            cut_off,
            calls_cancelled: totals.calls_cancelled(),
            background_cut_off: background.were_cut_off(),
        }
    }
}

impl Future for Shutdown {
    type Output = ShutdownReport;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ShutdownReport> {
        self.report.as_mut().poll(cx)
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shutdown")
    }
}
