//! The order of a close, as observers, hooks, contexts and stored values see it.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wswrapper::{
    Context, Server,
    connection::Closed,
    error::AcceptError,
    observe::{ConnectionView, Observer},
    transport::memory,
};
use wswrapper_tests::{Alive, Log, RawPeer, let_others_run};

const LONG: Duration = Duration::from_hours(1);

#[tokio::test(start_paused = true)]
async fn an_on_close_hook_can_wait_for_tasks_that_wait_for_the_close() -> Result<(), Box<dyn Error>> {
    let jobs: Arc<Mutex<Vec<JoinHandle<()>>>> = Arc::default();
    let started = Arc::clone(&jobs);
    let server = Server::builder().on_close(move |_, _| {
        let jobs = std::mem::take(&mut *jobs.lock().expect("no panic"));
        async move {
            for job in jobs {
                job.await.expect("no panic");
            }
        }
    });
    let server = server.build()?;
    server.on("start", move |ctx: Context| {
        let job = tokio::spawn(async move { drop(ctx.cancelled().await.clone()) });
        started.lock().expect("no panic").push(job);
        async {}
    })?;
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["start"],"i":1}"#).await;
    drop(raw);
    timeout(LONG, peer.closed()).await?;
    Ok(())
}

#[tokio::test]
async fn an_observer_of_a_close_sees_a_closed_connection() -> Result<(), Box<dyn Error>> {
    struct Sees(Log);

    impl Observer for Sees {
        fn connection_closed(&self, connection: &ConnectionView<'_>, closed: &Closed) {
            let peer = connection.peer();
            self.0.add(format!("{} {}", peer.is_open(), peer.close_info().as_ref() == Some(closed)));
        }
    }

    let log = Log::default();
    let server = Server::builder().observer(Sees(log.clone())).build()?;
    let (raw, peer) = RawPeer::dial(&server);
    let_others_run().await;
    drop(raw);
    peer.closed().await;
    assert_eq!(log.entries(), ["false true"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_values_are_dropped_before_the_close_is_known() -> Result<(), Box<dyn Error>> {
    struct SlowDrop(Arc<AtomicBool>);

    impl Drop for SlowDrop {
        fn drop(&mut self) {
            std::thread::sleep(Duration::from_millis(100));
            self.0.store(true, Ordering::SeqCst);
        }
    }

    let server = Server::builder().build()?;
    let (local, remote) = memory::pair();
    let peer = server.accept_transport(remote)?;
    let dropped = Arc::new(AtomicBool::new(false));
    peer.extensions().insert(SlowDrop(Arc::clone(&dropped)));
    drop(local);
    peer.closed().await;
    assert!(dropped.load(Ordering::SeqCst));
    Ok(())
}

/// An error whose drop panics.
#[derive(Debug)]
struct Bomb;

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bomb")
    }
}

impl Error for Bomb {}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "the drop of an error");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_on_open_that_panics_when_dropped_closes_the_connection_as_any_error() -> Result<(), Box<dyn Error>>
{
    let log = Log::default();
    let closes = log.clone();
    let server = Server::builder().on_open(|_| async { Err::<(), _>(Bomb) }).on_close(move |_, closed| {
        closes.add(closed.code.to_string());
        async {}
    });
    let server = server.build()?;
    let (_raw, peer) = RawPeer::dial(&server);
    peer.closed().await;
    assert_eq!(log.entries(), ["1011"]);
    Ok(())
}

#[tokio::test]
async fn a_server_that_closes_while_a_connection_enters_refuses_it() -> Result<(), Box<dyn Error>> {
    /// Closes the server when a connection opens, as another thread may do.
    struct Closes(Mutex<Option<Server>>);

    impl Observer for Closes {
        fn connection_opened(&self, _: &ConnectionView<'_>) {
            if let Some(server) = self.0.lock().expect("no panic").take() {
                server.close();
                // The server takes the tasks that it waits for in the meantime.
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let handle = runtime.handle().clone();
    tokio::task::spawn_blocking(move || {
        handle.block_on(async {
            let closes = Arc::new(Closes(Mutex::new(None)));
            let server = Server::builder().observer(Arc::clone(&closes)).build().expect("nothing to mount");
            *closes.0.lock().expect("no panic") = Some(server.clone());
            let (_local, remote) = memory::pair();
            assert!(matches!(server.accept_transport(remote), Err(AcceptError::Closing)));
            server.closed().await;
            assert!(server.peers().is_empty());
        });
        runtime.shutdown_background();
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn channels_that_a_running_handler_drops_are_freed() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let alive = Alive::default();
    let created = alive.clone();
    server.on("long", move |ctx: Context| {
        let created = created.clone();
        async move {
            for _ in 0..10_000 {
                let (channel, guard) = (ctx.open_channel(), created.guard());
                let on_event = move || {
                    let _ = &guard;
                    async {}
                };
                channel.on("x", on_event).expect("a valid name");
            }
            std::future::pending::<()>().await;
        }
    })?;
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["long"]}"#).await;
    raw.silence().await;
    assert!(alive.count() < 100, "{} channels are kept", alive.count());
    Ok(())
}
