//! Behaviour after the close frame for a violation of the protocol.

use super::serve;
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use wswrapper::{Client, Limits, Server, connection::CloseCause};
use wswrapper_tests::until;
use wswrapper_tests::websocket::websocket;

/// Far longer than any operation here, and far shorter than the close timeout.
const LONG: Duration = Duration::from_secs(10);

fn limits(max_message_size: usize) -> Limits {
    Limits::default().max_message_size(max_message_size).close_timeout(Duration::from_hours(1))
}

#[tokio::test]
async fn a_client_that_sent_too_large_a_message_closes_before_the_close_timeout() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().limits(limits(1_000))).await;
    let client = Client::builder().limits(limits(1 << 20)).connect(&running.url()).await?;
    client.emit("x", ("y".repeat(5_000),)).await?;
    let closed = timeout(LONG, client.closed()).await?;
    assert_eq!((closed.code, closed.cause), (1009, CloseCause::Remote));
    until(|| running.server.peers().is_empty()).await;
    Ok(())
}

#[tokio::test]
async fn a_server_shuts_down_its_writing_side_after_a_protocol_error() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().limits(limits(1_000))).await;
    let mut stream = websocket(running.address).await.into_inner();
    // The header of a text frame of 5000 bytes.
    stream.write_all(&[0x81, 0xfe, 0x13, 0x88, 0, 0, 0, 0]).await?;
    let mut last = Vec::new();
    timeout(LONG, stream.read_to_end(&mut last)).await??;
    // Exactly one close frame, with status 1009.
    assert_eq!((last[0], usize::from(last[1]) + 2, &last[2..4]), (0x88, last.len(), &1009_u16.to_be_bytes()[..]));
    // The server still reads the remaining bytes.
    stream.write_all(&[b'y'; 5_000]).await?;
    assert_eq!(running.server.peers().len(), 1);
    drop(stream);
    until(|| running.server.peers().is_empty()).await;
    Ok(())
}
