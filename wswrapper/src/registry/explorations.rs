//! Explores the orders in which threads join, leave and send: `RUSTFLAGS='--cfg wswrapper_shuttle' cargo test -p wswrapper
//! --lib explorations`.

#![cfg(test)]

use super::Registry;
use crate::builder::Settings;
use crate::connection::{Extensions, Handshake};
use crate::engine::{Epoch, LocalEndpoint, Members, Selection, Shared};
use crate::proto::Side;
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::thread;
use std::sync::Arc;

const RUNS: usize = 5_000;

struct World {
    registry: Arc<Registry>,
    endpoint: Arc<LocalEndpoint>,
    clock: AtomicUsize,
}

impl World {
    fn new() -> Arc<Self> {
        let endpoint = Arc::new(Settings::default().build(Side::Server).expect("nothing is mounted"));
        Arc::new(Self { registry: Arc::new(Registry::new()), endpoint, clock: AtomicUsize::new(0) })
    }

    /// Adds a connection.
    fn connection(&self) -> Arc<Shared> {
        let members: Arc<dyn Members> = Arc::clone(&self.registry) as _;
        let epoch = Epoch::first(Handshake::default(), Extensions::new());
        let shared = Arc::new(Shared::new(Arc::clone(&self.endpoint), members, epoch));
        self.registry.add(&shared);
        shared
    }

    fn tick(&self) -> usize {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn members(&self, room: &str) -> Arc<[Arc<Shared>]> {
        self.registry.select(&Selection::Room(room.into()))
    }
}

/// Runs a function in a thread of the exploration.
fn in_thread<T: Send + 'static>(
    world: &Arc<World>,
    run: impl FnOnce(&World) -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let world = Arc::clone(world);
    thread::spawn(move || run(&world))
}

#[test]
fn a_send_selects_who_is_a_member_during_all_of_it_and_nobody_who_is_none() {
    let explore = || {
        let world = World::new();
        let (moving, staying) = (world.connection(), world.connection());
        world.registry.join_room(&staying, "tea", None).expect("it is a member");
        let member = Arc::clone(&moving);
        let stays = in_thread(&world, move |world| {
            [(); 2].map(|()| {
                let join_called = world.tick();
                world.registry.join_room(&member, "tea", None).expect("it is a member");
                let (joined, leave_called) = (world.tick(), world.tick());
                world.registry.leave_room(&member, "tea");
                (join_called, joined, leave_called, world.tick())
            })
        });
        let sends = [(); 2].map(|()| {
            let (moving, staying) = (moving.id, staying.id);
            in_thread(&world, move |world| {
                [(); 2].map(|()| {
                    let began = world.tick();
                    let selected = world.members("tea");
                    let ended = world.tick();
                    assert!(selected.iter().any(|shared| shared.id == staying));
                    (began, ended, selected.iter().filter(|shared| shared.id == moving).count())
                })
            })
        });
        let stays = stays.join().expect("no panic");
        for (began, ended, count) in sends.map(|send| send.join().expect("no panic")).into_iter().flatten() {
            let must = stays.iter().any(|(_, joined, leave_called, _)| *joined < began && ended < *leave_called);
            let may = stays.iter().any(|(join_called, _, _, left)| *join_called < ended && began < *left);
            assert!((usize::from(must)..=usize::from(may)).contains(&count), "{count} times, {must} {may}");
        }
        // The registry and its connections hold each other.
        [moving, staying].iter().for_each(|shared| world.registry.remove(shared));
    };
    shuttle::check_random(explore, RUNS);
    shuttle::check_pct(explore, RUNS, 3);
}

#[test]
fn a_connection_that_is_removed_while_it_joins_is_in_no_room() {
    let explore = || {
        let world = World::new();
        let ending = world.connection();
        let removed = Arc::clone(&ending);
        let threads = [
            in_thread(&world, move |world| world.registry.remove(&removed)),
            in_thread(&world, {
                let joining = Arc::clone(&ending);
                move |world| {
                    // Fails after it was removed.
                    let _ = world.registry.join_room(&joining, "tea", None);
                    let _ = world.registry.set_user(&joining, Some("ada"));
                    let _ = world.registry.join_room(&joining, "milk", None);
                    world.registry.leave_room(&joining, "tea");
                }
            }),
            in_thread(&world, {
                let joining = Arc::clone(&ending);
                move |world| {
                    let _ = world.registry.join_room(&joining, "tea", None);
                    let _ = world.registry.set_user(&joining, Some("bob"));
                    drop(world.members("milk"));
                }
            }),
        ];
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        assert_eq!((world.registry.len(), world.registry.group_counts()), (0, (0, 0)));
        assert!(world.registry.rooms().is_empty() && world.members("tea").is_empty());
        assert_eq!(Arc::strong_count(&ending), 1, "no group holds the connection");
    };
    shuttle::check_random(explore, RUNS);
    shuttle::check_pct(explore, RUNS, 3);
}
