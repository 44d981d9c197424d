//! Joins, updates, leaves and streams on several threads.

use super::{Copy, Visitor};
use futures_util::{FutureExt, StreamExt};
use std::error::Error;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use wswrapper::Server;
use wswrapper::server::{Presence, PresenceChanges};
use wswrapper_tests::cable::Chance;

/// Applies all changes that are there.
fn follow(changes: &mut PresenceChanges<usize>, copy: &mut Copy<usize>) -> usize {
    let mut count = 0;
    while let Some(Some(change)) = changes.next().now_or_never() {
        change.apply(copy);
        count += 1;
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_copy_of_a_follower_is_the_snapshot_at_the_end() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    // Leaves come due while others join. One log is too short for its followers.
    for (max_changes, leave_after) in [(1_024, 1), (4, 0), (0, 60_000)] {
        let tea = Presence::new("tea").max_changes(max_changes).leave_after(Duration::from_millis(leave_after));
        let visitors: Vec<_> = (0..4).map(|n| Visitor::of_user(&server, &format!("user {}", n % 3))).collect();
        let (is_done, begin) = (AtomicBool::new(false), Barrier::new(7));
        let copies = thread::scope(|scope| {
            let followers: Vec<_> = (0..3)
                .map(|n| {
                    let (tea, is_done, begin) = (&tea, &is_done, &begin);
                    scope.spawn(move || {
                        begin.wait();
                        thread::sleep(Duration::from_millis(n));
                        let (mut changes, mut copy, mut count) = (tea.changes(), Copy::new(), 0);
                        while !is_done.load(Ordering::SeqCst) {
                            count += follow(&mut changes, &mut copy);
                            thread::sleep(Duration::from_micros(n * 50));
                        }
                        (changes, copy, count)
                    })
                })
                .collect();
            // The same connections on two threads, so that a join meets a leave of its own.
            let changers: Vec<_> = (0..4)
                .map(|seed| {
                    let (tea, visitors, begin) = (&tea, &visitors, &begin);
                    scope.spawn(move || {
                        begin.wait();
                        change(tea, visitors, seed);
                    })
                })
                .collect();
            for changer in changers {
                changer.join().expect("no panic");
            }
            is_done.store(true, Ordering::SeqCst);
            followers.into_iter().map(|follower| follower.join().expect("no panic")).collect::<Vec<_>>()
        });
        for (mut changes, mut copy, mut count) in copies {
            count += follow(&mut changes, &mut copy);
            assert_eq!(copy.into_values().collect::<Vec<_>>(), tea.snapshot());
            assert!(count > 0);
        }
        for visitor in visitors {
            // Who is in the room by the presence is shown, and no other.
            let is_shown = tea.update(&visitor.peer, 99);
            assert_eq!(is_shown, visitor.peer.is_in("tea"));
            visitor.peer.leave("tea");
        }
        if leave_after < 60_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert!(tea.is_empty());
        }
    }
    Ok(())
}

fn change(tea: &Presence<usize>, visitors: &[Visitor], seed: u64) {
    let mut random = Chance::new(seed);
    for _ in 0..3_000 {
        let visitor = &visitors[random.between(0, 3)];
        match random.between(0, 2) {
            0 => drop(tea.leave(&visitor.peer)),
            1 => drop(tea.update(&visitor.peer, random.between(0, 2))),
            _ => tea.join(&visitor.peer, random.between(0, 2)).expect("the connection is open"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_stays_whose_connection_has_closed_during_the_join() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let tea = Presence::new("tea").leave_after(Duration::ZERO);
    let mut joined = 0;
    for _ in 0..500 {
        let visitor = Visitor::of(&server);
        let joins = thread::scope(|scope| {
            let (peer, tea) = (&visitor.peer, &tea);
            let join = scope.spawn(move || (0..20).filter(|n| tea.join(peer, *n).is_ok()).count());
            visitor.client.close(1000, "");
            join.join().expect("no panic")
        });
        joined += joins;
        visitor.peer.closed().await;
        assert!(tea.is_empty());
    }
    assert!(joined > 0);
    Ok(())
}
