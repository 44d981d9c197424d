//! Peers that read or write slowly.

use super::websocket_frames::{PING, TEXT, frame};
use super::{ChaosProxy, serve};
use futures_util::SinkExt;
use serde_json::{Value, json};
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use wswrapper::{Limits, connection::CloseCause, error::SendError};
use wswrapper_tests::until;
use wswrapper_tests::websocket::{REQUEST, websocket};

#[tokio::test]
async fn a_slow_reader_does_not_delay_other_peers() -> Result<(), Box<dyn Error>> {
    // Far more than the buffers of both sockets hold.
    const MAX_SENT: usize = 256 << 20;
    let running = serve(Limits::default().max_outbound_bytes(10_000).max_held_bytes(10_000)).await;
    let mut slow = websocket(running.address).await;
    let slow_peer = running.peer().await;
    // It sends requests and reads nothing, until its requests are not read either.
    let request = format!(r#"{{"a":["echo","{}"],"i":1}}"#, "x".repeat(50_000));
    let mut sent = 0;
    while let Ok(written) =
        tokio::time::timeout(Duration::from_secs(2), slow.send(Message::text(request.as_str()))).await
    {
        written?;
        sent += request.len();
        assert!(sent < MAX_SENT, "everything was read");
    }
    // Another client is served without delay.
    let client = running.client().await;
    let proxy = ChaosProxy::new(&client);
    for n in 0..1_000 {
        assert_eq!(proxy.echo(json!(n)).await?, n);
    }
    let broadcast = ChaosProxy::new(running.server.broadcast());
    // The queue may still have capacity for the first broadcast.
    broadcast.note("x".repeat(10_000)).await?;
    proxy.echo(Value::Null).await?;
    let delivery = broadcast.note("to all").await?;
    assert_eq!(delivery.sent, 1);
    assert!(matches!(delivery.failed[..], [(id, SendError::Full)] if id == slow_peer.id()), "{delivery:?}");
    assert!(slow_peer.is_open(), "the write timeout has not passed");
    drop((slow, proxy, client));
    until(|| slow_peer.close_info().is_some()).await;
    running.shut_down_cleanly().await;
    Ok(())
}

#[tokio::test]
async fn reading_pauses_for_a_peer_that_sends_pings_and_reads_nothing() -> Result<(), Box<dyn Error>> {
    // Far more than the buffers of both sockets hold.
    const MAX_SENT: usize = 256 << 20;
    let running = serve(Limits::default().max_outbound_bytes(10_000)).await;
    let mut socket = running.socket().await;
    let peer = running.peer().await;
    let pings = frame(PING, &[b'x'; 125]).repeat(1_000);
    let mut sent = 0;
    while tokio::time::timeout(Duration::from_secs(2), socket.write_all(&pings)).await.is_ok_and(|sent| sent.is_ok()) {
        sent += pings.len();
        assert!(sent < MAX_SENT, "everything was read");
    }
    assert!(peer.is_open());
    drop(socket);
    // The queued pongs cannot be written any more.
    until(|| peer.close_info().is_some_and(|closed| closed.cause == CloseCause::Lost)).await;
    running.shut_down_cleanly().await;
    Ok(())
}

#[tokio::test]
async fn a_handshake_that_arrives_byte_by_byte_is_accepted() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits::default()).await;
    let mut socket = TcpStream::connect(running.address).await?;
    socket.set_nodelay(true)?;
    for byte in format!("{REQUEST}\r\n").bytes() {
        assert!(running.server.peers().is_empty());
        socket.write_all(&[byte]).await?;
        tokio::task::yield_now().await;
    }
    // The bytes after the handshake are a WebSocket frame.
    socket.write_all(&frame(TEXT, br#"{"a":["echo",1],"i":1}"#)).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(br#"{"i":1,"d":1}"#) {
        assert_ne!(socket.read_buf(&mut answer).await?, 0, "the connection was closed");
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    drop(socket);
    running.shut_down_cleanly().await;
    Ok(())
}

#[tokio::test]
async fn an_endless_handshake_is_cut_off_after_its_timeout() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits::default().handshake_timeout(Duration::from_millis(300))).await;
    let began = Instant::now();
    let (mut read, mut write) = TcpStream::connect(running.address).await?.into_split();
    let writer = tokio::spawn(async move {
        let mut time = tokio::time::interval(Duration::from_millis(20));
        write.write_all(b"GET / HTTP/1.1\r\nCookie: ").await?;
        loop {
            time.tick().await;
            write.write_all(b"x").await?;
        }
        #[expect(unreachable_code, reason = "it gives the block its type")]
        Ok::<(), std::io::Error>(())
    });
    let mut answer = Vec::new();
    // The connection may be reset because bytes still arrive.
    let _ = tokio::time::timeout(Duration::from_secs(10), read.read_to_end(&mut answer)).await?;
    assert!(answer.is_empty(), "{answer:?}");
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(writer.await?.is_err());
    running.shut_down_cleanly().await;
    Ok(())
}
