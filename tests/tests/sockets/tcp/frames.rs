//! Valid and invalid WebSocket messages.

use super::serve;
use futures_util::{SinkExt, StreamExt};
use std::error::Error;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use wswrapper::{Limits, Server};
use wswrapper_tests::until;
use wswrapper_tests::websocket::websocket;

#[tokio::test]
async fn messages_may_be_fragmented_binary_or_batched() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let mut websocket = websocket(running.address).await;
    let request = r#"{"a":["echo","hi"],"i":1}"#;
    let (first, second) = request.split_at(7);
    // Two fragments with a ping between them.
    let part = |text: &str, opcode, last| Message::Frame(Frame::message(text.to_owned(), OpCode::Data(opcode), last));
    websocket.send(part(first, Data::Text, false)).await?;
    websocket.send(Message::Ping(Bytes::from_static(b"there?"))).await?;
    websocket.send(part(second, Data::Continue, true)).await?;
    assert_eq!(
        websocket.next().await.ok_or("the connection was closed")??,
        Message::Pong(Bytes::from_static(b"there?"))
    );
    assert_eq!(websocket.next().await.ok_or("the connection was closed")??, Message::text(r#"{"i":1,"d":"hi"}"#));
    // A binary message.
    websocket.send(Message::binary(request)).await?;
    assert_eq!(websocket.next().await.ok_or("the connection was closed")??, Message::text(r#"{"i":1,"d":"hi"}"#));
    // Ten messages in one packet, with invalid ones between them.
    for n in 2..12 {
        websocket.feed(Message::text(format!(r#"{{"a":["echo",""],"i":{n}}}"#))).await?;
        websocket.feed(Message::text("nonsense")).await?;
        websocket.feed(Message::binary(vec![0xff, 0xfe])).await?;
    }
    websocket.flush().await?;
    for n in 2..12 {
        assert_eq!(
            websocket.next().await.ok_or("the connection was closed")??,
            Message::text(format!(r#"{{"i":{n},"d":""}}"#))
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_violation_of_websocket_closes_the_connection_with_its_status() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_message_size(1_000);
    let running = serve(Server::builder().limits(limits)).await;
    let raw = |bytes: &[u8], opcode| Message::Frame(Frame::message(bytes.to_vec(), opcode, true));
    for (message, code) in [
        (Message::text("x".repeat(1_001)), 1009),
        (Message::text("x".repeat(5_000_000)), 1009),
        (raw(&[0xff, 0xfe, 0xfd], OpCode::Data(Data::Text)), 1007),
        (raw(b"x", OpCode::Data(Data::Continue)), 1002),
        (raw(b"x", OpCode::Data(Data::Reserved(5))), 1002),
    ] {
        let mut websocket = websocket(running.address).await;
        // The server may close before the whole message was written.
        let _ = websocket.send(message).await;
        match websocket.next().await {
            Some(Ok(Message::Close(Some(close)))) => assert_eq!(u16::from(close.code), code, "{}", close.reason),
            other => panic!("expected {code}, got {other:?}"),
        }
    }
    until(|| running.server.peers().is_empty()).await;
    Ok(())
}
