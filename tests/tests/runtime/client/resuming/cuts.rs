//! Streams whose connections are cut at random bytes.

use super::{Clock, TickerProxy};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use wswrapper::client::Reconnect;
use wswrapper::stream::{History, Seam, StreamEvent};
use wswrapper::{CallError, Client, Server};
use wswrapper_tests::cable::{Chance, Delivery, Direction, Ending, Line, for_each_seed};
use wswrapper_tests::{SECOND, nothing_is_left_of};

/// A counting stream whose connections are cut at random bytes: all numbers come once and in their order, or a gap tells
/// how many are missing.
async fn run(mut chance: Chance) {
    const LAST: u64 = 60;
    let kept = chance.between(1, 30);
    let history = History::new().max_items(kept);
    let server = Server::builder().any_origin().service(Clock(history.clone())).build().expect("it can be mounted");
    let delivery = if chance.one_in(3) { Delivery::Whole } else { Delivery::Pieces { seed: chance.next_seed() } };
    let cuts: Vec<_> = (0..chance.between(1, 6))
        .map(|_| (chance.one_of(&Direction::BOTH), chance.between(0, 1_500) as u64, chance.one_of(&Ending::BOTH)))
        .collect();
    let connector = Line::connector(&server, delivery, move |cable, number| {
        if let Some((direction, bytes, ending)) = usize::try_from(number).ok().and_then(|number| cuts.get(number)) {
            cable.cut_after(*direction, *bytes, *ending);
        }
    });
    let policy = Reconnect::default().seed(chance.next_seed()).base_delay(Duration::from_millis(20));
    let client = Client::builder().reconnect(policy).connect_with(connector).await.expect("the server is there");
    let window = chance.one_of(&[1, 4, 64]);
    let (pace, rest) = (chance.one_of(&[0, 1, 5]), chance.one_of(&[0, 0, 3]));
    // The first call is not sent again: until it has an answer, there is no stream.
    let mut ticks = loop {
        let call = TickerProxy::new(&client).ticks().window(window).queue(600 * SECOND).resumable();
        match timeout(600 * SECOND, call).await.expect("it has an end") {
            Ok(ticks) => break ticks,
            Err(error) => assert!(matches!(error, CallError::Closed(_)), "{error:?}"),
        }
    };
    let pushing = tokio::spawn(async move {
        for n in 1.. {
            // A stream of which nothing was taken begins anew, so there must be items to come.
            sleep(Duration::from_millis(if n < LAST { pace } else { 100 })).await;
            history.push(n);
        }
    });
    let (mut last, mut expected) = (None, None);
    while last < Some(LAST) {
        let event = timeout(600 * SECOND, ticks.try_next()).await.expect("there is no silence").expect("no error");
        match event.expect("the stream has no end") {
            StreamEvent::Item(n) => {
                if let Some(expected) = expected {
                    assert_eq!(n, expected, "after {last:?}");
                }
                (last, expected) = (Some(n), Some(n + 1));
                if rest > 0 {
                    sleep(Duration::from_millis(rest)).await;
                }
            }
            StreamEvent::Seam(Seam::Resumed) => {}
            StreamEvent::Seam(Seam::Gap { lost: Some(missing) }) => {
                assert!(missing > 0);
                expected = expected.map(|expected| expected + missing);
            }
            // Nothing was taken before.
            StreamEvent::Seam(Seam::Fresh) => assert_eq!(last, None),
            StreamEvent::Seam(Seam::Gap { lost: None }) => panic!("the peer tells positions"),
        }
    }
    drop(ticks);
    pushing.abort();
    nothing_is_left_of(client.peer()).await;
}

#[test]
fn a_counting_stream_survives_cuts_at_random_bytes() {
    for_each_seed(0..1_000, run);
}
