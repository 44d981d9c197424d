//! Calls whose connection is cut at each byte of their frames.

use super::{Runs, server};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use wswrapper::error::SendError;
use wswrapper::{CallError, Client, Server};
use wswrapper_tests::cable::{Connected, Delivery, Direction, Ending, Line};
use wswrapper_tests::nothing_is_left_of;

/// The text that a call sends and its handler returns.
const TEXT: &str = "two apples and a pear";

/// The kinds of handlers: ready at once, and pending for a while.
const HANDLERS: [&str; 2] = ["ready", "slow"];

/// A server, and the count of the runs of its handlers.
fn counting_server() -> (Server, Runs) {
    let (server, runs) = (server(), Runs::default());
    for (name, time) in [("ready", Duration::ZERO), ("slow", Duration::from_millis(5))] {
        let runs = runs.clone();
        let handler = move |text: String| {
            let runs = runs.clone();
            async move {
                runs.add();
                if !time.is_zero() {
                    sleep(time).await;
                }
                text
            }
        };
        server.on(name, handler).expect("a valid name");
    }
    (server, runs)
}

/// Returns the sizes of the frames of a call and of its response, in bytes.
async fn frame_sizes(handler: &str) -> [(Direction, u64); 2] {
    let (server, _) = counting_server();
    let Connected { client, cable, .. } = Line::to(&server, Delivery::Whole).connect(Client::builder()).await;
    let before = Direction::BOTH.map(|direction| cable.passed(direction));
    client.request::<String>(handler, (TEXT,)).await.expect("an answer");
    let [to_server, to_client] = Direction::BOTH;
    [(to_server, cable.passed(to_server) - before[0]), (to_client, cable.passed(to_client) - before[1])]
}

fn is_closed<T>(result: &Result<T, CallError<wswrapper::error::Rejection>>) -> bool {
    matches!(result, Err(CallError::Closed(_) | CallError::NotSent(SendError::Closed(_))))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cut_at_any_byte_is_answered_or_closed_and_runs_at_most_once() {
    for handler in HANDLERS {
        for (direction, size) in frame_sizes(handler).await {
            for passing in 0..=size {
                for ending in Ending::BOTH {
                    for delivery in [Delivery::Whole, Delivery::Pieces { seed: passing }] {
                        cut_call(handler, direction, passing, size, ending, delivery).await;
                    }
                }
            }
        }
    }
}

async fn cut_call(handler: &str, direction: Direction, passing: u64, size: u64, ending: Ending, delivery: Delivery) {
    let case = format!("{handler}, {passing} of {size} bytes {direction:?}, {ending:?}, {delivery:?}");
    let (server, runs) = counting_server();
    let Connected { client, peer, cable } = Line::to(&server, delivery).connect(Client::builder()).await;
    cable.cut_after(direction, passing, ending);
    let result = timeout(Duration::from_mins(1), client.request::<String>(handler, (TEXT,))).await;
    let result = result.unwrap_or_else(|_| panic!("a call has no end: {case}"));
    timeout(Duration::from_mins(1), async { (client.closed().await, peer.closed().await) }).await.expect(&case);
    let ran = runs.count();
    match &result {
        Ok(text) => assert_eq!(text, TEXT, "{case}"),
        result => assert!(is_closed(result), "{result:?}: {case}"),
    }
    match direction {
        Direction::ToServer if passing < size => assert!(result.is_err() && ran == 0, "{result:?}, {ran} runs: {case}"),
        Direction::ToServer => assert!(result.is_err() && ran == 1, "{result:?}, {ran} runs: {case}"),
        Direction::ToClient if passing == 0 => assert!(result.is_err() && ran == 0, "{result:?}, {ran} runs: {case}"),
        Direction::ToClient => assert_eq!((result.is_ok(), ran), (passing == size, 1), "{case}"),
    }
    for endpoint in [client.peer(), &peer] {
        nothing_is_left_of(endpoint).await;
    }

    // A new connection sends nothing of the old one.
    Line::to(&server, delivery).rebind(&client).await.expect("the server accepts it");
    let again: String = client.request(handler, (TEXT,)).await.expect("an answer");
    assert_eq!((again.as_str(), runs.count()), (TEXT, ran + 1), "{case}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_stalls_at_any_byte_is_answered_after_the_stall() {
    for handler in HANDLERS {
        for (direction, size) in frame_sizes(handler).await {
            for passing in 0..size {
                let case = format!("{handler}, {passing} of {size} bytes {direction:?}");
                let (server, runs) = counting_server();
                let Connected { client, cable, .. } =
                    Line::to(&server, Delivery::Whole).connect(Client::builder()).await;
                cable.stall_after(direction, passing);
                let call = client.request::<String>(handler, (TEXT,));
                let mut call = tokio::spawn(call);
                // Less than the time that a begun message may take, and than the interval of a heartbeat.
                assert!(timeout(Duration::from_secs(9), &mut call).await.is_err(), "{case}");
                assert_eq!(runs.count(), usize::from(direction == Direction::ToClient), "{case}");
                cable.release();
                let answer = timeout(Duration::from_secs(1), call).await.expect(&case).expect("no panic");
                assert_eq!((answer.expect("an answer").as_str(), runs.count()), (TEXT, 1), "{case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_while_the_handler_runs_closes_the_call_and_the_handler_is_dropped() {
    for ending in Ending::BOTH {
        for is_idempotent in [false, true] {
            let (server, runs) = counting_server();
            let Connected { client, peer, cable } = Line::to(&server, Delivery::Whole).connect(Client::builder()).await;
            let handler = {
                let runs = runs.clone();
                move || {
                    cable.cut(ending);
                    runs.add();
                    std::future::pending::<()>()
                }
            };
            server.on("cut", handler).expect("a valid name");
            let call = client.request::<()>("cut", ());
            // Nobody connects this client again.
            let result = if is_idempotent { call.idempotent().await } else { call.await };
            assert!(matches!(result, Err(CallError::Closed(_))), "{result:?}");
            assert_eq!(runs.count(), 1);
            for endpoint in [client.peer(), &peer] {
                nothing_is_left_of(endpoint).await;
            }
        }
    }
}
