//! Events whose connection is cut at each byte of their frames.

use super::{Runs, server};
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::{Client, Server};
use wswrapper_tests::cable::{Connected, Delivery, Direction, Ending, Line};
use wswrapper_tests::nothing_is_left_of;

const TEXT: &str = "two apples and a pear";

/// A server, and the count of the events that it receives. The handler `ping` tells that all earlier ones were received.
fn counting_server() -> (Server, Runs) {
    let (server, runs) = (server(), Runs::default());
    let received = runs.clone();
    let handler = move |text: String| {
        assert_eq!(text, TEXT);
        received.add();
        async {}
    };
    server.on("note", handler).expect("a valid name");
    server.on("ping", || async {}).expect("a valid name");
    (server, runs)
}

/// Returns the size of the frame of an event, in bytes.
async fn frame_size() -> u64 {
    let (server, _) = counting_server();
    let Connected { client, cable, .. } = Line::to(&server, Delivery::Whole).connect(Client::builder()).await;
    let before = cable.passed(Direction::ToServer);
    client.emit("note", (TEXT,)).await.expect("the connection is open");
    client.flush().await.expect("the connection is open");
    cable.passed(Direction::ToServer) - before
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_cut_at_any_byte_is_received_once_or_not_at_all() {
    let size = frame_size().await;
    for passing in 0..=size {
        for ending in Ending::BOTH {
            for delivery in [Delivery::Whole, Delivery::Pieces { seed: passing }] {
                let case = format!("{passing} of {size} bytes, {ending:?}, {delivery:?}");
                let (server, runs) = counting_server();
                let Connected { client, peer, cable } = Line::to(&server, delivery).connect(Client::builder()).await;
                cable.cut_after(Direction::ToServer, passing, ending);
                client.emit("note", (TEXT,)).await.expect("nobody has noticed the cut");
                let closed = async { (client.closed().await, peer.closed().await) };
                timeout(Duration::from_mins(1), closed).await.expect(&case);
                let received = runs.count();
                assert_eq!(received, usize::from(passing == size), "{case}");
                for endpoint in [client.peer(), &peer] {
                    nothing_is_left_of(endpoint).await;
                }

                // A new connection sends nothing of the old one.
                Line::to(&server, delivery).rebind(&client).await.expect("the server accepts it");
                client.request::<()>("ping", ()).await.expect("an answer");
                assert_eq!(runs.count(), received, "{case}");
            }
        }
    }
}
