//! Streams of changes: slow consumers, panics, their end.

use super::{Copy, Visitor, shown, told};
use futures_util::{FutureExt, StreamExt};
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wswrapper::Server;
use wswrapper::server::{Presence, PresenceChange, PresenceChanges};
use wswrapper_tests::cable::Chance;
use wswrapper_tests::{Alive, Guard};

#[tokio::test]
async fn a_slow_consumer_gets_a_snapshot_in_place_of_what_it_has_lost() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let tea = Presence::new("tea").max_changes(3);
    let ada = Visitor::of_user(&server, "ada");
    tea.join(&ada.peer, 0)?;
    let (mut slow, mut fast) = (tea.changes(), tea.changes());
    for changes in [&mut slow, &mut fast] {
        assert_eq!(told(changes), ["all: user:ada 0"]);
    }
    for n in 1..=3 {
        tea.update(&ada.peer, n);
    }
    let all = ["changed: user:ada 1", "changed: user:ada 2", "changed: user:ada 3"];
    assert_eq!((told(&mut slow), told(&mut fast)), (all.map(str::to_owned).into(), all.map(str::to_owned).into()));
    for n in 4..=7 {
        tea.update(&ada.peer, n);
        assert_eq!(told(&mut fast), [format!("changed: user:ada {n}")]);
    }
    assert_eq!(told(&mut slow), ["all: user:ada 7"]);
    tea.update(&ada.peer, 8);
    assert_eq!(
        (told(&mut slow), told(&mut fast)),
        (vec!["changed: user:ada 8".into()], vec!["changed: user:ada 8".into()])
    );
    // One that is overtaken after a part.
    for n in 9..=11 {
        tea.update(&ada.peer, n);
    }
    assert_eq!(slow.next().now_or_never().flatten().map(super::text).as_deref(), Some("changed: user:ada 9"));
    for n in 12..=13 {
        tea.update(&ada.peer, n);
    }
    assert_eq!(told(&mut slow), ["all: user:ada 13"]);
    assert_eq!(told(&mut fast), ["all: user:ada 13"]);
    Ok(())
}

#[tokio::test]
async fn without_a_log_each_change_is_a_snapshot() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let tea = Presence::new("tea").max_changes(0);
    let ada = Visitor::of_user(&server, "ada");
    let mut changes = tea.changes();
    assert_eq!(told(&mut changes), ["all: "]);
    tea.join(&ada.peer, 1)?;
    tea.update(&ada.peer, 2);
    assert_eq!(told(&mut changes), ["all: user:ada 2"]);
    Ok(())
}

/// Metadata that counts its copies.
#[derive(Clone)]
struct Counted(u32, #[expect(dead_code, reason = "it is dropped")] Arc<Guard>);

impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

#[tokio::test]
async fn metadata_that_nobody_needs_is_dropped() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let alive = Alive::default();
    let tea = Presence::new("tea").max_changes(10);
    let ada = Visitor::of_user(&server, "ada");
    let update = |n| tea.update(&ada.peer, Counted(n, Arc::new(alive.guard())));
    tea.join(&ada.peer, Counted(0, Arc::new(alive.guard())))?;
    for n in 1..100 {
        update(n);
    }
    assert_eq!(alive.count(), 1, "without a stream nothing is logged");
    let mut streams: Vec<PresenceChanges<_>> = (0..3).map(|_| tea.changes()).collect();
    for stream in &mut streams {
        drop(stream.next().await);
    }
    for n in 100..105 {
        update(n);
    }
    assert_eq!(alive.count(), 5, "the entry and four changes before it");
    for n in 105..200 {
        update(n);
    }
    assert_eq!(alive.count(), 10, "the entry is the last change");
    assert!(matches!(streams[0].next().await, Some(PresenceChange::Snapshot(_))));
    assert_eq!(alive.count(), 10, "the others have read none");
    for mut stream in streams.drain(1..) {
        assert!(matches!(stream.next().await, Some(PresenceChange::Snapshot(_))));
    }
    drop(streams.remove(0));
    assert_eq!(alive.count(), 1);
    tea.leave(&ada.peer);
    assert_eq!(alive.count(), 0);
    Ok(())
}

#[tokio::test]
async fn the_streams_finish_with_the_last_handle() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let alive = Alive::default();
    let tea = Presence::new("tea");
    let ada = Visitor::of_user(&server, "ada");
    tea.join(&ada.peer, Counted(1, Arc::new(alive.guard())))?;
    let (mut waits, mut reads, unused) = (tea.changes(), tea.changes(), tea.changes());
    for changes in [&mut waits, &mut reads] {
        assert!(matches!(changes.next().await, Some(PresenceChange::Snapshot(all)) if all.len() == 1));
    }
    let waiting = tokio::spawn(async move { waits.next().await.map(|_| "an item") });
    tokio::task::yield_now().await;
    let clone = tea.clone();
    drop(tea);
    clone.update(&ada.peer, Counted(2, Arc::new(alive.guard())));
    assert_eq!(waiting.await?, Some("an item"));
    clone.update(&ada.peer, Counted(3, Arc::new(alive.guard())));
    drop(clone);
    assert_eq!(alive.count(), 0, "streams that live longer keep nothing");
    assert!(reads.next().await.is_none() && reads.next().await.is_none());
    assert_eq!(unused.count().await, 0);
    assert!(ada.peer.leave("tea"));
    Ok(())
}

/// Metadata whose copies, comparisons and drops panic while a flag is set.
struct Fragile(u32, Arc<AtomicBool>);

impl Fragile {
    fn check(&self) {
        assert!(!self.1.load(Ordering::SeqCst), "fragile");
    }
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        self.check();
        Self(self.0, Arc::clone(&self.1))
    }
}

impl PartialEq for Fragile {
    fn eq(&self, other: &Self) -> bool {
        self.check();
        self.0 == other.0
    }
}

impl fmt::Display for Fragile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check();
        }
    }
}

#[tokio::test]
async fn a_panic_of_the_metadata_spoils_nothing() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let breaks = Arc::<AtomicBool>::default();
    let tea = Presence::new("tea");
    let ada = Visitor::of_user(&server, "ada");
    let mut changes = tea.changes();
    let fragile = |n| Fragile(n, Arc::clone(&breaks));
    let panics = |run: &mut dyn FnMut()| {
        breaks.store(true, Ordering::SeqCst);
        let panicked = catch_unwind(AssertUnwindSafe(run)).is_err();
        breaks.store(false, Ordering::SeqCst);
        panicked
    };
    tea.join(&ada.peer, fragile(1))?;
    assert!(panics(&mut || drop(told(&mut changes))));
    assert_eq!(told(&mut changes), ["all: user:ada 1"]);
    tea.update(&ada.peer, fragile(2));
    assert!(panics(&mut || drop(told(&mut changes))));
    tea.update(&ada.peer, fragile(3));
    assert_eq!(told(&mut changes), ["all: user:ada 3"], "the change that could not be copied is not missing");
    assert!(panics(&mut || _ = tea.update(&ada.peer, fragile(4))));
    assert!(panics(&mut || drop(tea.snapshot())));
    assert_eq!(told(&mut changes), [] as [&str; 0]);
    tea.update(&ada.peer, fragile(5));
    assert_eq!(told(&mut changes), ["changed: user:ada 5"]);
    // A drop is caught, because the connection's end may cause it.
    drop(changes);
    assert!(!panics(&mut || _ = tea.leave(&ada.peer)));
    tea.join(&ada.peer, fragile(6))?;
    assert_eq!(shown(&tea).len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_copy_follows_the_changes() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let tea = Presence::new("tea").max_changes(4);
    let visitors: Vec<_> = (0..6).map(|n| Visitor::of_user(&server, &format!("user {}", n % 4))).collect();
    let mut changes = tea.changes();
    let mut copy = Copy::new();
    let mut random = Chance::new(7);
    for _ in 0..2_000 {
        let visitor = &visitors[random.between(0, 5)];
        match random.between(0, 3) {
            0 => drop(tea.leave(&visitor.peer)),
            1 => drop(tea.update(&visitor.peer, random.between(0, 2))),
            2 => tea.join(&visitor.peer, random.between(0, 2))?,
            _ => {
                while let Some(Some(change)) = changes.next().now_or_never() {
                    change.apply(&mut copy);
                }
                assert_eq!(copy.values().cloned().collect::<Vec<_>>(), tea.snapshot());
            }
        }
    }
    Ok(())
}
