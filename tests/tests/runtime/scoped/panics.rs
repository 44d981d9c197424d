//! Services that panic when they are dropped.

use std::error::Error;
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::{AnonymousChannel, CallError, Context, Scoped, Server, ws_handlers, ws_service};
use wswrapper_tests::{Alive, Guard, Log, Pair, nothing_is_left, pair};

const LONG: Duration = Duration::from_hours(1);

#[ws_service]
trait Fuse {
    async fn tick(&self) -> u8 {
        1
    }
    /// Closes the channel that it is called on.
    fn quit(&self);
}

#[ws_service]
trait Store {
    async fn fuse(&self, ctx: Context) -> Scoped<dyn Fuse>;
    async fn wait(&self) -> u8;
}

struct DropBomb(AnonymousChannel);

#[ws_handlers]
impl Fuse for DropBomb {
    fn quit(&self) {
        self.0.close();
    }
}

impl Drop for DropBomb {
    fn drop(&mut self) {
        // A second panic would abort the program and hide why the test failed.
        assert!(std::thread::panicking(), "boom");
    }
}

/// Another service on the same channel.
struct Neighbour(#[expect(dead_code, reason = "only its drop counts")] Guard);

#[ws_handlers]
impl Neighbour {
    pub fn beside(&self) {}
}

struct StoreService(Alive);

#[ws_handlers]
impl Store for StoreService {
    async fn fuse(&self, ctx: Context) -> Scoped<dyn Fuse> {
        let channel = ctx.open_channel();
        channel.serve::<Neighbour>(Neighbour(self.0.guard()));
        let fuse = Scoped::on(&channel, DropBomb(channel.clone()));
        channel.serve::<Neighbour>(Neighbour(self.0.guard()));
        fuse
    }

    async fn wait(&self) -> u8 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        7
    }
}

fn store() -> (Alive, Log, Pair, StoreProxy) {
    let (alive, log) = (Alive::default(), Log::default());
    let errors = log.clone();
    let server = Server::builder().service_as::<dyn Store>(StoreService(alive.clone()));
    let pair = pair(server.on_error(move |_, error| errors.add(error.to_string())));
    let store = StoreProxy::new(&pair.client);
    (alive, log, pair, store)
}

const REPORT: &str = "handler of `an anonymous channel's service` panicked: boom";

#[tokio::test(start_paused = true)]
async fn a_panic_in_dropping_a_service_is_reported_and_fails_nothing_else() -> Result<(), Box<dyn Error>> {
    let (alive, log, pair, store) = store();
    let (other, fuse) = (tokio::spawn(store.wait()), store.fuse().await?);
    assert_eq!(fuse.tick().await?, 1);
    drop(fuse);
    assert_eq!(log.has(1).await, [REPORT]);
    alive.becomes(0).await;
    assert_eq!(timeout(LONG, other).await???, 7);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_dropping_a_service_that_closes_its_own_channel_is_reported() -> Result<(), Box<dyn Error>> {
    let (alive, log, pair, store) = store();
    let (other, fuse) = (tokio::spawn(store.wait()), store.fuse().await?);
    timeout(LONG, fuse.quit()).await??;
    assert_eq!(log.has(1).await, ["handler of `quit` panicked: boom"]);
    alive.becomes(0).await;
    assert_eq!(timeout(LONG, other).await???, 7);
    assert!(matches!(fuse.tick().await, Err(CallError::ChannelClosed(_))));
    assert!(pair.client.is_open());
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn panics_in_dropping_services_with_their_connection_are_all_reported() -> Result<(), Box<dyn Error>> {
    let (alive, log, pair, store) = store();
    let fuses = [store.fuse().await?, store.fuse().await?];
    let other = tokio::spawn(store.wait());
    let back = tokio::spawn(pair.peer.request::<()>("never", ()));
    pair.client.on("never", std::future::pending::<()>)?;
    tokio::task::yield_now().await;
    pair.peer.abort_connection();
    let closed = timeout(LONG, pair.peer.closed()).await?;
    assert_eq!(closed.code, 1006);
    assert!(matches!(timeout(LONG, other).await??, Err(CallError::Closed(_))));
    assert!(timeout(LONG, back).await??.is_err());
    assert_eq!(log.has(2).await, [REPORT; 2]);
    alive.becomes(0).await;
    drop(fuses);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn panics_in_dropping_two_services_of_one_channel_are_both_reported() -> Result<(), Box<dyn Error>> {
    let (_, log, pair, store) = store();
    pair.server.on("two", |ctx: Context| async move {
        let channel = ctx.open_channel();
        channel.serve::<dyn Fuse>(DropBomb(channel.clone()));
        channel.serve::<dyn Fuse>(DropBomb(channel.clone()));
        channel
    })?;
    drop(pair.client.request::<AnonymousChannel>("two", ()).await?);
    assert_eq!(log.has(2).await, [REPORT; 2]);
    assert_eq!(timeout(LONG, store.wait()).await??, 7);
    nothing_is_left(&pair).await;
    Ok(())
}
