//! WebSocket peers that read slowly, and messages that arrive slowly.

use super::serve;
use futures_util::StreamExt;
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use wswrapper::{Client, Limits, Peer, Server, connection::CloseCause};
use wswrapper_tests::until;
use wswrapper_tests::websocket::websocket;

/// Less than a tenth of the default timeout. A busy machine may stop the reader for a second.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

fn limits() -> Limits {
    Limits::default().write_timeout(WRITE_TIMEOUT).max_outbound_bytes(64 << 20)
}

/// Queues far more than the buffers of both sockets hold.
async fn queue_much(peer: &Peer) -> Result<(), Box<dyn Error>> {
    for _ in 0..40 {
        peer.emit("news", ("x".repeat(1 << 20),)).await?;
    }
    Ok(())
}

/// Reads about 1 MiB per second, for three write timeouts.
async fn read_slowly(stream: &mut tokio::net::TcpStream) -> Result<(), Box<dyn Error>> {
    let mut buffer = vec![0; 50 * 1024];
    let began = Instant::now();
    while began.elapsed() < 3 * WRITE_TIMEOUT {
        assert_ne!(stream.read(&mut buffer).await?, 0, "the connection was closed");
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_reads_slowly_and_steadily_stays_connected() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().limits(limits())).await;
    let mut stream = websocket(running.address).await.into_inner();
    until(|| running.server.peers().len() == 1).await;
    let peer = running.server.peers().remove(0);
    queue_much(&peer).await?;
    read_slowly(&mut stream).await?;
    assert!(peer.is_open(), "{:?}", peer.close_info());
    // One that reads nothing is cut off.
    timeout(20 * WRITE_TIMEOUT, peer.closed()).await?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_reads_slowly_and_steadily_stays_connected() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr()?);
    let accepting = tokio::spawn(async move { accept_async(listener.accept().await?.0).await });
    let client = Client::builder().limits(limits()).connect(&url).await?;
    let mut stream = accepting.await??.into_inner();
    queue_much(client.peer()).await?;
    read_slowly(&mut stream).await?;
    assert!(client.is_open(), "{:?}", client.close_info());
    timeout(20 * WRITE_TIMEOUT, client.closed()).await?;
    Ok(())
}

/// The clock is paused only after the handshake, because it would run ahead while the sockets work.
#[tokio::test]
async fn a_message_that_stays_incomplete_closes_the_connection_with_1008() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let mut socket = websocket(running.address).await;
    // The header of a text frame of 5,000 bytes, and a part of its payload.
    socket.get_mut().write_all(&[&[0x81, 0xfe, 0x13, 0x88, 0, 0, 0, 0][..], &[b'x'; 1_000]].concat()).await?;
    until(|| running.server.peers().len() == 1).await;
    sleep(Duration::from_millis(100)).await;
    tokio::time::pause();
    let began = Instant::now();
    match socket.next().await {
        Some(Ok(Message::Close(Some(close)))) => {
            assert_eq!((u16::from(close.code), began.elapsed().as_secs()), (1008, 9), "{}", close.reason);
        }
        other => panic!("expected 1008, got {other:?}"),
    }
    tokio::time::resume();
    drop(socket);
    until(|| running.server.peers().is_empty()).await;
    Ok(())
}

#[tokio::test]
async fn a_begun_message_counts_toward_the_memory_of_all_connections() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_buffered_bytes(100_000).write_timeout(WRITE_TIMEOUT);
    let running = serve(Server::builder().limits(limits)).await;
    let mut stream = websocket(running.address).await.into_inner();
    until(|| running.server.peers().len() == 1).await;
    let peer = running.server.peers().remove(0);
    let mut frame = vec![0x81, 0x80 | 127];
    frame.extend_from_slice(&200_000_u64.to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.resize(frame.len() + 120_000, b'x');
    stream.write_all(&frame).await?;
    until(|| running.server.buffered_bytes() > 100_000).await;
    // Nothing is given back.
    let closed = timeout(20 * WRITE_TIMEOUT, peer.closed()).await?;
    assert_eq!((closed.code, closed.cause), (1013, CloseCause::Limit));
    until(|| running.server.buffered_bytes() == 0).await;
    Ok(())
}
