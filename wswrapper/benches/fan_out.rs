//! Measures an event to 1,000 peers, from the broadcast until it was written to the last peer.

mod compare;

use std::future::poll_fn;
use std::sync::Arc;
use tokio::sync::mpsc;
use wswrapper::transport::Transport;
use wswrapper::ws_service;
use wswrapper_tests::load::wire::{Tally, Wire, wire};
use wswrapper_tests::load::{runtime, service};

const PEERS: usize = 1_000;
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

    let (server, our_tally) = (service::server(), Tally::default());
    for _ in 0..PEERS {
        server.accept_transport(wire(&our_tally).1).expect("the server is open");
    }
    // Wait until every connection takes part in broadcasts.
    runtime.block_on(async {
        while server.broadcast().len() < PEERS {
            tokio::task::yield_now().await;
        }
    });
    let news = NewsProxy::new(server.broadcast());

    let baseline_tally = Tally::default();
    let queues: Vec<_> = (0..PEERS).map(|_| baseline_peer(wire(&baseline_tally).1)).collect();
    drop(guard);

    let ours = async |times| {
        for _ in 0..times {
            assert_eq!(news.flash(TEXT).await.expect("it can be encoded").sent, PEERS);
            our_tally.reaches(our_tally.texts() + PEERS).await;
        }
    };
    let baseline = async |times| {
        for _ in 0..times {
            let frame: Arc<[u8]> = serde_json::to_vec(&Event { a: ("flash", TEXT) }).expect("it can be encoded").into();
            for queue in &queues {
                queue.try_send(Arc::clone(&frame)).expect("the queue has capacity");
            }
            baseline_tally.reaches(baseline_tally.texts() + PEERS).await;
        }
    };
    runtime.block_on(async { (ours(1).await, baseline(1).await) });
    assert_eq!(our_tally.last(), baseline_tally.last());
    let run = |times| runtime.block_on(ours(times));
    compare::with_baseline(&mut criterion, "fan out/1,000 peers", run, |times| runtime.block_on(baseline(times)));
    criterion.final_summary();
}

#[derive(serde::Serialize)]
struct Event<'e> {
    a: (&'e str, &'e str),
}

/// Spawns a task that writes what its queue receives, and returns the queue's sender.
fn baseline_peer(mut wire: Wire) -> mpsc::Sender<Arc<[u8]>> {
    let (sender, mut queue) = mpsc::channel::<Arc<[u8]>>(64);
    tokio::spawn(async move {
        while let Some(frame) = queue.recv().await {
            wire.output().plain_text(frame.len(), |out| out.extend_from_slice(&frame));
            poll_fn(|cx| wire.poll_flush(cx)).await.expect("a wire does not fail");
        }
    });
    sender
}
