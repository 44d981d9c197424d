//! Connections that come and go for a long time, on the paused clock.
//!
//! `SOAK=whole` in the environment runs 2,000 connections at a time for ten minutes instead of a short form.

use crate::one_at_a_time;
use futures_util::{StreamExt, stream};
use std::env;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use wswrapper::server::{Presence, PresenceChange};
use wswrapper::transport::memory;
use wswrapper::{Client, Context, Limits, Scoped, Server, Stream, Upload, ws_handlers, ws_service};
use wswrapper_tests::cable::Chance;
use wswrapper_tests::{SECOND, tasks};

#[ws_service(channel = "soak")]
trait Soak {
    async fn echo(&self, text: String) -> String;
    async fn enter(&self, ctx: Context, room: String, user: String) -> bool;
    async fn exit(&self, ctx: Context, room: String) -> bool;
    async fn say(&self, ctx: Context, room: String, text: String) -> usize;
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
    async fn sum(&self, numbers: Upload<u64>) -> u64;
    async fn lend(&self) -> Scoped<dyn Counter>;
    async fn appear(&self, ctx: Context, mood: usize) -> bool;
    async fn who(&self) -> impl Stream<Item = PresenceChange<usize>> + Send;
    async fn never(&self);
}

#[ws_service]
trait Counter {
    async fn add(&self, n: u64) -> u64;
}

/// Served by the clients.
#[ws_service(channel = "page")]
trait Page {
    #[ws(event)]
    fn said(&self, text: String);
    async fn load(&self) -> u32;
}

/// Those who are present in the lobby, with their moods.
struct Service(Presence<usize>);

#[ws_handlers]
impl Soak for Service {
    async fn echo(&self, text: String) -> String {
        text
    }

    async fn enter(&self, ctx: Context, room: String, user: String) -> bool {
        ctx.peer().set_user(&user).is_ok() && ctx.peer().join(&room).is_ok()
    }

    async fn exit(&self, ctx: Context, room: String) -> bool {
        ctx.peer().leave(&room)
    }

    async fn say(&self, ctx: Context, room: String, text: String) -> usize {
        let others = ctx.room(&room).except(ctx.peer());
        PageProxy::new(others).said(text).await.map_or(0, |delivery| delivery.sent)
    }

    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter(0..to)
    }

    async fn sum(&self, mut numbers: Upload<u64>) -> u64 {
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }

    async fn lend(&self) -> Scoped<dyn Counter> {
        Scoped::new(Sum::default())
    }

    async fn appear(&self, ctx: Context, mood: usize) -> bool {
        self.0.join(&ctx.peer(), mood).is_ok()
    }

    async fn who(&self) -> impl Stream<Item = PresenceChange<usize>> + Send {
        self.0.changes()
    }

    async fn never(&self) {
        std::future::pending::<()>().await;
    }
}

#[derive(Default)]
struct Sum(AtomicU64);

#[ws_handlers]
impl Counter for Sum {
    async fn add(&self, n: u64) -> u64 {
        self.0.fetch_add(n, Ordering::Relaxed) + n
    }
}

struct Reader(Arc<Progress>);

#[ws_handlers]
impl Page for Reader {
    fn said(&self, _text: String) {
        self.0.said.fetch_add(1, Ordering::Relaxed);
    }

    async fn load(&self) -> u32 {
        7
    }
}

/// What has happened, to show that something has.
#[derive(Default)]
struct Progress {
    connections: AtomicUsize,
    operations: AtomicUsize,
    said: AtomicUsize,
    loads: AtomicUsize,
}

/// One connection after the other.
async fn live(server: Server, progress: Arc<Progress>, mut chance: Chance) {
    loop {
        one_connection(&server, &progress, &mut chance).await;
        progress.connections.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection for some seconds. Three of ten are cut, and one of ten stops to read.
async fn one_connection(server: &Server, progress: &Arc<Progress>, chance: &mut Chance) {
    let (near, far) = memory::builder().capacity(8 * 1024).pair();
    let control = near.control();
    server.accept_transport(far).expect("the server is open");
    let client = Client::builder().service(Reader(Arc::clone(progress)));
    let client = client.limits(limits()).connect_transport(near).expect("the service can be mounted");
    let soak = SoakProxy::new(&client);
    let lifetime = Duration::from_millis(u64::try_from(chance.between(1_000, 20_000)).expect("a small number"));
    if chance.one_in(10) {
        control.stall();
    }
    // The operation that is under way is dropped.
    let operations = async {
        loop {
            operate(&soak, chance).await;
            progress.operations.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(u64::try_from(chance.between(0, 800)).expect("a small number"))).await;
        }
    };
    let _ = timeout(lifetime, operations).await;
    match chance.between(1, 10) {
        1..=3 => control.cut(),
        4 => client.peer().abort_connection(),
        5 => return,
        _ => client.close(1000, ""),
    }
    client.closed().await;
}

/// One operation. It may fail, because the connection may be closed, but it never gives a wrong result.
async fn operate(soak: &SoakProxy, chance: &mut Chance) {
    let room = format!("room {}", chance.between(0, 99));
    match chance.between(0, 10) {
        0 => {
            let text = "x".repeat(chance.between(0, 2_000));
            if let Ok(echo) = soak.echo(&text).await {
                assert_eq!(echo, text);
            }
        }
        1 | 2 => {
            let user = format!("user {}", chance.between(0, 499));
            soak.enter(room, user).await.ok();
        }
        3 => {
            soak.exit(room).await.ok();
        }
        4 => {
            soak.say(room, "y".repeat(chance.between(0, 500))).await.ok();
        }
        5 => {
            let taken = chance.between(0, 300);
            if let Ok(numbers) = soak.count(200).await {
                let numbers: Vec<_> = numbers.take(taken).filter_map(async |number| number.ok()).collect().await;
                assert!(numbers.iter().copied().eq(0..u32::try_from(numbers.len()).expect("a small number")));
            }
        }
        6 => {
            let to = u64::try_from(chance.between(0, 300)).expect("a small number");
            if let Ok(sum) = soak.sum(stream::iter(0..to)).await {
                assert_eq!(sum, (0..to).sum::<u64>());
            }
        }
        7 => {
            if let Ok(counter) = soak.lend().await
                && let (Ok(1), Ok(more)) = (counter.add(1).await, counter.add(2).await)
            {
                assert_eq!(more, 3);
            }
        }
        8 => {
            soak.appear(chance.between(0, 5)).await.ok();
        }
        9 => {
            let taken = chance.between(1, 50);
            if let Ok(changes) = soak.who().await {
                // Nothing changes while all others wait.
                let mut changes = pin!(changes.take(taken).take_until(sleep(2 * SECOND)).enumerate());
                while let Some((n, Ok(item))) = changes.next().await {
                    assert!(n > 0 || matches!(item, PresenceChange::Snapshot(_)));
                }
            }
        }
        _ => {
            soak.never().timeout(Duration::from_millis(300)).await.expect_err("it never answers");
        }
    }
}

/// The server asks the members of rooms, and sends to all.
async fn ask(server: Server, progress: Arc<Progress>, mut chance: Chance) {
    loop {
        let room = server.room(&format!("room {}", chance.between(0, 99)));
        let loads = PageProxy::new(room.each()).load().timeout(SECOND);
        let answered = loads.filter(|(_, load)| std::future::ready(matches!(load, Ok(7)))).count().await;
        progress.loads.fetch_add(answered, Ordering::Relaxed);
        PageProxy::new(server.broadcast()).said("tick").await.expect("it can be encoded");
        sleep(Duration::from_millis(500)).await;
    }
}

fn limits() -> Limits {
    let limits = Limits::default().max_outbound_bytes(32 * 1024).write_timeout(5 * SECOND).close_timeout(SECOND);
    limits.heartbeat_interval(Some(5 * SECOND)).heartbeat_grace(5 * SECOND)
}

/// Runs for some time, and returns the bytes that are allocated and were not before.
fn allocated_during(runtime: &Runtime, time: Duration) -> f64 {
    let allocations = allocation_counter::measure(|| runtime.block_on(async { sleep(time).await }));
    f64::from(i32::try_from(allocations.bytes_current).expect("less than 2 GiB"))
}

#[test]
fn connections_that_come_and_go_leave_nothing() {
    let _alone = one_at_a_time();
    let is_whole = env::var("SOAK").is_ok_and(|form| form == "whole");
    let (connections, first, rest, growth) =
        if is_whole { (2_000, 60 * SECOND, 540 * SECOND, 0.02) } else { (200, 25 * SECOND, 50 * SECOND, 0.1) };
    let runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime can be built");
    let progress = Arc::<Progress>::default();
    let inside = runtime.enter();
    let lobby = Presence::new("lobby");
    let server =
        Server::builder().service(Service(lobby.clone())).limits(limits()).build().expect("the service can be mounted");
    let mut actors = JoinSet::new();
    for seed in 0..connections {
        actors.spawn(live(server.clone(), Arc::clone(&progress), Chance::new(seed)));
    }
    actors.spawn(ask(server.clone(), Arc::clone(&progress), Chance::new(connections)));
    drop(inside);
    let after_first = allocated_during(&runtime, first);
    let grown = allocated_during(&runtime, rest) / after_first;
    println!(
        "{} connections, {} operations, {} events, {} answers; {:.1} MiB live, grown by {:.2} %",
        progress.connections.load(Ordering::Relaxed),
        progress.operations.load(Ordering::Relaxed),
        progress.said.load(Ordering::Relaxed),
        progress.loads.load(Ordering::Relaxed),
        after_first / 1_048_576.0,
        100.0 * grown,
    );
    assert!(grown < growth, "{:.2} % more bytes are live", 100.0 * grown);
    for happened in [&progress.connections, &progress.operations, &progress.said, &progress.loads] {
        assert!(happened.load(Ordering::Relaxed) > 500, "something has happened");
    }
    runtime.block_on(async {
        actors.shutdown().await;
        // The connections of dropped clients are closed, those that stall after the write timeout.
        sleep(60 * SECOND).await;
        let status = server.status();
        let tables = [
            status.connections,
            status.rooms,
            status.users,
            status.handlers_in_flight,
            status.calls_in_flight,
            status.open_channels,
            status.queued_bytes,
            status.buffered_bytes,
            tasks(),
        ];
        assert_eq!(tables, [0; 9], "{status:?}");
        assert!(server.rooms().is_empty() && lobby.is_empty());
    });
}
