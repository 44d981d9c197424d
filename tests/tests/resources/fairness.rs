//! Fairness among the connections of one thread, measured in responses to a busy connection and not in time.

use crate::one_at_a_time;
use bytes::Bytes;
use std::iter;
use wswrapper::{Limits, Server, ws_handlers};
use wswrapper_tests::load::runtime;
use wswrapper_tests::load::service::{call, echo};
use wswrapper_tests::load::wire::{Feeder, Tally, wire};

/// Number of requests that arrive together.
const FLOOD: usize = 10_000;
/// Number of messages after which a connection yields.
const TURN: usize = 256;
/// Number of bytes after which a connection yields.
const TURN_BYTES: usize = 64 * 1024;

struct TestService;

#[ws_handlers]
impl TestService {
    pub async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    pub async fn echo(&self, text: String) -> String {
        text
    }

    /// Is pending at the first poll and ready at the second.
    pub async fn add_later(&self, a: i64, b: i64) -> i64 {
        tokio::task::yield_now().await;
        a + b
    }
}

/// Two connections to one server.
struct TwoConnections {
    _server: Server,
    busy: Feeder,
    busy_tally: Tally,
    other: Feeder,
    other_tally: Tally,
}

impl TwoConnections {
    fn new() -> Self {
        let limits = Limits::default().max_handlers_in_flight(2 * FLOOD);
        let server = Server::builder().limits(limits).service(TestService).build().expect("the service can be mounted");
        let (busy_tally, other_tally) = (Tally::default(), Tally::default());
        let (busy, busy_wire) = wire(&busy_tally);
        let (other, other_wire) = wire(&other_tally);
        for wire in [busy_wire, other_wire] {
            server.accept_transport(wire).expect("the server is open");
        }
        Self { _server: server, busy, busy_tally, other, other_tally }
    }

    fn flood(&self, call: &Bytes) {
        self.busy.feed(iter::repeat_n(call, FLOOD).cloned());
    }

    /// Sends a request on the other connection. Returns the number of responses to the busy one until it is answered.
    async fn responses_meanwhile(&self) -> usize {
        let before = self.busy_tally.texts();
        self.other.feed([call(("add", 1, 2))]);
        self.other_tally.reaches(self.other_tally.texts() + 1).await;
        self.busy_tally.texts() - before
    }
}

/// Sends requests on one connection, one after the other, while a flood is handled on another. Returns the maximum
/// number of responses to the flood during one request.
fn most_responses_waited_for(flood: Bytes) -> usize {
    let measure = async move {
        let two = TwoConnections::new();
        two.flood(&flood);
        let mut most = two.responses_meanwhile().await;
        let mut requests = 1;
        while two.busy_tally.texts() < FLOOD {
            most = most.max(two.responses_meanwhile().await);
            requests += 1;
        }
        assert_eq!(two.busy_tally.texts(), FLOOD);
        println!("{requests} requests, each after at most {most} of {FLOOD} responses to the other connection");
        most
    };
    // A spawned task is polled as often as the connections, the future of `block_on` once in 61 polls of tasks.
    runtime().block_on(async { tokio::spawn(measure).await.expect("no panic") })
}

#[test]
fn a_request_waits_for_at_most_three_batches_of_another_connection() {
    let _alone = one_at_a_time();
    assert!(most_responses_waited_for(call(("add", 17, 25))) <= 3 * TURN);
}

#[test]
fn large_requests_are_handled_in_smaller_batches() {
    let _alone = one_at_a_time();
    let call = echo(4_096);
    let turn = TURN_BYTES.div_ceil(call.len());
    assert!(most_responses_waited_for(call) <= 3 * turn);
}

#[test]
fn woken_handlers_are_polled_in_batches() {
    let _alone = one_at_a_time();
    assert!(most_responses_waited_for(call(("add_later", 17, 25))) <= 3 * TURN);
}
