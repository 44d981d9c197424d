//! The limit of a message's size.

use super::GatedService;
use futures_util::{SinkExt, StreamExt};
use std::error::Error;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as WsFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use wswrapper::Limits;
use wswrapper_tests::until;
use wswrapper_tests::websocket::websocket;

#[tokio::test]
async fn a_message_of_exactly_the_limit_is_read_and_fragments_count_together() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_message_size(1_000);
    let listener = GatedService::new().serve(limits).bind("127.0.0.1:0").await?;
    let (server, address) = (listener.server().clone(), listener.local_addr());
    tokio::spawn(listener.serve());
    let mut websocket = websocket(address).await;
    let frame = |length: usize| {
        let overhead = r#"{"a":["length",""],"i":1}"#.len();
        format!(r#"{{"a":["length","{}"],"i":1}}"#, "x".repeat(length - overhead))
    };
    let part = |text: &str, opcode, last| Message::Frame(WsFrame::message(text.to_owned(), OpCode::Data(opcode), last));
    websocket.send(Message::text(frame(1_000))).await?;
    assert_eq!(websocket.next().await.ok_or("the connection was closed")??, Message::text(r#"{"i":1,"d":975}"#));
    let message = frame(1_000);
    websocket.send(part(&message[..600], Data::Text, false)).await?;
    websocket.send(part(&message[600..], Data::Continue, true)).await?;
    assert_eq!(websocket.next().await.ok_or("the connection was closed")??, Message::text(r#"{"i":1,"d":975}"#));
    let message = frame(1_001);
    websocket.send(part(&message[..600], Data::Text, false)).await?;
    websocket.send(part(&message[600..], Data::Continue, true)).await?;
    match websocket.next().await {
        Some(Ok(Message::Close(Some(close)))) => assert_eq!(u16::from(close.code), 1009, "{}", close.reason),
        other => panic!("expected 1009, got {other:?}"),
    }
    drop(websocket);
    until(|| server.peers().is_empty()).await;
    Ok(())
}
