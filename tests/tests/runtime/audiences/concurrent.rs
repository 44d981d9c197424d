//! Joining, leaving and sending at the same time.

use super::Listener;
use futures_util::FutureExt;
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;
use wswrapper::Server;
use wswrapper_tests::until;

/// The clock that orders the steps of the threads.
#[derive(Default)]
struct Clock(AtomicU64);

impl Clock {
    fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// A time of membership: when `join` was called and had returned, and the same of `leave`.
struct Stay {
    join_called: u64,
    joined: u64,
    leave_called: u64,
    left: u64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_gets_every_event_between_its_join_and_its_leave_and_no_other() -> Result<(), Box<dyn Error>> {
    const SENDS: u64 = 3_000;
    let server = Server::builder().build()?;
    let members: [_; 3] = super::listeners(&server);
    let (clock, is_done) = (Clock::default(), AtomicBool::new(false));
    // The times at which each send began and had ended.
    let (sends, stays) = thread::scope(|scope| {
        let changes = members.each_ref().map(|member| scope.spawn(|| change_membership(member, &clock, &is_done)));
        let senders = [0, 1].map(|sender| {
            let (server, clock) = (&server, &clock);
            scope.spawn(move || (0..SENDS).map(|n| send(server, clock, &format!("{sender}:{n}"))).collect::<Vec<_>>())
        });
        let sends = senders.map(|sender| sender.join().expect("no panic"));
        is_done.store(true, Ordering::SeqCst);
        (sends, changes.map(|change| change.join().expect("no panic")))
    });
    server.broadcast().emit("news", ("end",)).await?;
    for (member, stays) in members.iter().zip(stays) {
        until(|| member.heard().last().is_some_and(|text| text == "end")).await;
        let heard = member.heard();
        for (sender, sends) in sends.iter().enumerate() {
            let prefix = format!("{sender}:");
            let heard: Vec<u64> = heard.iter().filter_map(|text| text.strip_prefix(&prefix)?.parse().ok()).collect();
            assert!(heard.is_sorted_by(|a, b| a < b), "those of one sender come in their order, each once");
            for (n, (began, ended)) in (0..).zip(sends) {
                let is_heard = heard.binary_search(&n).is_ok();
                let must = stays.iter().any(|stay| stay.joined < *began && *ended < stay.leave_called);
                let may = stays.iter().any(|stay| stay.join_called < *ended && *began < stay.left);
                assert!(is_heard >= must && is_heard <= may, "{sender}:{n} {is_heard}, must {must}, may {may}");
            }
        }
        assert!(stays.len() > 10 && heard.len() > 10, "{} stays, {} events", stays.len(), heard.len());
    }
    assert!(server.rooms().is_empty());
    Ok(())
}

fn change_membership(member: &Listener, clock: &Clock, is_done: &AtomicBool) -> Vec<Stay> {
    let mut stays = Vec::new();
    while !is_done.load(Ordering::SeqCst) {
        let join_called = clock.tick();
        member.peer.join("tea").expect("the connection is open");
        let joined = clock.tick();
        thread::sleep(Duration::from_micros(clock.tick() * 37 % 200));
        let leave_called = clock.tick();
        member.peer.leave("tea");
        stays.push(Stay { join_called, joined, leave_called, left: clock.tick() });
    }
    stays
}

fn send(server: &Server, clock: &Clock, text: &str) -> (u64, u64) {
    let began = clock.tick();
    let event = server.room("tea").emit("news", (text,));
    let delivery = event.now_or_never().expect("it is ready at its first poll").expect("it can be encoded");
    assert!(delivery.failed.is_empty());
    (began, clock.tick())
}
