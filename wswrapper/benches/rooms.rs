//! Measures events to rooms, compared with broadcasts, and what joining and leaving takes.

mod compare;

use criterion::Criterion;
use std::hint::black_box;
use wswrapper::{Server, ws_service};
use wswrapper_tests::load::runtime;
use wswrapper_tests::load::wire::{Tally, wire};

/// The deliveries of one measured operation.
const DELIVERIES: usize = 1_000;
const MEMBERS_OF_A_SMALL_ROOM: usize = 10;
const PEERS: usize = 10_000;
const TEXT: &str = "a text of some thirty-two bytes.";

#[ws_service]
trait News {
    #[ws(event)]
    async fn flash(&self, text: String);
}

fn main() {
    let mut criterion = compare::criterion();
    let runtime = runtime();
    let guard = runtime.enter();
    let (few, few_tally) = server(DELIVERIES);
    let (many, many_tally) = server(PEERS);
    drop(guard);
    let peers = many.peers();
    for (index, peer) in peers.iter().enumerate() {
        // Neighbours in memory, as the peers of the broadcast are. The cache misses of others are not what is compared.
        if index < DELIVERIES {
            peer.join("large").expect("the limits allow it");
        }
        for room in 0..MEMBERS_OF_A_SMALL_ROOM {
            let room = (index + PEERS - room) % PEERS;
            peer.join(&format!("small {room}")).expect("the limits allow it");
        }
    }
    assert_eq!((many.room("large").len(), many.room("small 7").len()), (DELIVERIES, MEMBERS_OF_A_SMALL_ROOM));
    let to_all = [NewsProxy::new(few.broadcast())];
    let to_large = [NewsProxy::new(many.room("large"))];
    let small_rooms = (0..DELIVERIES / MEMBERS_OF_A_SMALL_ROOM).map(|n| n * MEMBERS_OF_A_SMALL_ROOM);
    let to_small: Vec<_> = small_rooms.map(|room| NewsProxy::new(many.room(&format!("small {room}")))).collect();

    let run = async |proxies: &[NewsProxy<wswrapper::server::Audience>], tally: &Tally, times| {
        for _ in 0..times {
            for proxy in proxies {
                proxy.flash(TEXT).await.expect("it can be encoded");
            }
            tally.reaches(tally.texts() + DELIVERIES).await;
        }
    };
    let broadcasts = |times| runtime.block_on(run(&to_all, &few_tally, times));
    broadcasts(1);
    let large = |times| runtime.block_on(run(&to_large, &many_tally, times));
    let name = "rooms/1,000 of 10,000 peers";
    compare::pair(&mut criterion, name, ("room", large), ("broadcast to 1,000", broadcasts));
    let small = |times| runtime.block_on(run(&to_small, &many_tally, times));
    let name = "rooms/100 of 10,000 rooms of ten";
    compare::pair(&mut criterion, name, ("rooms", small), ("broadcast to 1,000", broadcasts));
    join_and_leave(&mut criterion, &many);
    criterion.final_summary();
}

/// Creates a server with this number of peers.
fn server(peers: usize) -> (Server, Tally) {
    let (server, tally) = (Server::builder().build().expect("nothing is mounted"), Tally::default());
    for _ in 0..peers {
        server.accept_transport(wire(&tally).1).expect("the server is open");
    }
    (server, tally)
}

/// A peer that is no member joins the room of 1,000 and leaves it.
fn join_and_leave(criterion: &mut Criterion, server: &Server) {
    let peer = server.peers().into_iter().find(|peer| !peer.is_in("large")).expect("9,000 are not in it");
    criterion.bench_function("rooms/join and leave a room of 1,000", |bencher| {
        bencher.iter(|| {
            black_box(peer.join("large")).expect("the limits allow it");
            black_box(peer.leave("large"))
        });
    });
}
