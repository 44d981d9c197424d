//! The statuses of close frames, byte by byte.

use super::serve;
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wswrapper::{Client, Limits, Server, connection::CloseCause};
use wswrapper_tests::until;
use wswrapper_tests::websocket::websocket;

/// Far longer than any operation here, and far shorter than the close timeout.
const LONG: Duration = Duration::from_secs(10);

/// 25 bytes.
const REASON: &str = "the upstream is gone \u{1f600}";

/// Returns a server that waits for ever for the end of a closing handshake.
fn patient() -> wswrapper::server::ServerBuilder {
    Server::builder().limits(Limits::default().close_timeout(Duration::from_hours(1)))
}

#[tokio::test]
async fn status_1014_and_its_reason_arrive_at_a_client_and_at_a_server() -> Result<(), Box<dyn Error>> {
    let running = serve(patient()).await;
    for by_server in [true, false] {
        let limits = Limits::default().close_timeout(Duration::from_hours(1));
        let client = Client::builder().limits(limits).connect(&running.url()).await?;
        until(|| running.server.peers().len() == 1).await;
        let peer = running.server.peers().remove(0);
        let (closing, closed) = if by_server { (&peer, client.peer()) } else { (client.peer(), &peer) };
        closing.close(1014, REASON);
        let local = timeout(LONG, closing.closed()).await?;
        let remote = timeout(LONG, closed.closed()).await?;
        assert_eq!((local.code, &*local.reason, local.cause), (1014, REASON, CloseCause::Local), "{by_server}");
        assert_eq!((remote.code, &*remote.reason, remote.cause), (1014, REASON, CloseCause::Remote), "{by_server}");
        until(|| running.server.peers().is_empty()).await;
    }
    Ok(())
}

/// Returns a masked close frame.
fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
    let length = u8::try_from(payload.len()).expect("it is short");
    let masked = payload.iter().zip([1, 2, 3, 4].into_iter().cycle()).map(|(byte, key)| byte ^ key);
    [0x88, 0x80 | length, 1, 2, 3, 4].into_iter().chain(masked).collect()
}

/// Reads until the server closes the connection.
async fn read_all(stream: &mut TcpStream) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut last = Vec::new();
    timeout(LONG, stream.read_to_end(&mut last)).await??;
    Ok(last)
}

#[tokio::test]
async fn a_close_frame_with_1014_is_answered_with_1014_after_pings_and_in_pieces() -> Result<(), Box<dyn Error>> {
    let running = serve(patient()).await;
    for size in [1, 3, 1_000] {
        let mut stream = websocket(running.address).await.into_inner();
        until(|| running.server.peers().len() == 1).await;
        let peer = running.server.peers().remove(0);
        let bytes = [&[0x89, 0x80, 1, 2, 3, 4][..], &close_frame(1014, REASON)].concat();
        for piece in bytes.chunks(size) {
            stream.write_all(piece).await?;
            tokio::task::yield_now().await;
        }
        let answer = [&[0x8a, 0, 0x88, 27, 0x03, 0xf6][..], REASON.as_bytes()].concat();
        assert_eq!(read_all(&mut stream).await?, answer, "{size}");
        let closed = timeout(LONG, peer.closed()).await?;
        assert_eq!((closed.code, &*closed.reason, closed.cause), (1014, REASON, CloseCause::Remote));
        until(|| running.server.peers().is_empty()).await;
    }
    Ok(())
}

#[tokio::test]
async fn nothing_follows_a_close_frame_with_1014() -> Result<(), Box<dyn Error>> {
    let running = serve(patient()).await;
    let mut stream = websocket(running.address).await.into_inner();
    until(|| running.server.peers().len() == 1).await;
    let peer = running.server.peers().remove(0);
    peer.close(1014, "");
    let mut frame = [0; 4];
    timeout(LONG, stream.read_exact(&mut frame)).await??;
    assert_eq!(frame, [0x88, 2, 0x03, 0xf6]);
    // A ping, and a close frame with a status that the codec does not accept either.
    stream.write_all(&[0x89, 0x80, 1, 2, 3, 4]).await?;
    stream.write_all(&close_frame(1014, "")).await?;
    assert_eq!(read_all(&mut stream).await?, b"");
    let closed = timeout(LONG, peer.closed()).await?;
    assert_eq!((closed.code, closed.cause), (1014, CloseCause::Local));
    Ok(())
}

#[tokio::test]
async fn a_close_frame_with_a_status_that_must_not_be_sent_is_a_violation() -> Result<(), Box<dyn Error>> {
    let running = serve(patient()).await;
    for code in [0, 999, 1004, 1005, 1006, 1015, 2000] {
        let mut stream = websocket(running.address).await.into_inner();
        until(|| running.server.peers().len() == 1).await;
        let peer = running.server.peers().remove(0);
        stream.write_all(&close_frame(code, "x")).await?;
        let answer = read_all(&mut stream).await?;
        assert_eq!((answer[0], &answer[2..4]), (0x88, &1002_u16.to_be_bytes()[..]), "{code}");
        assert_eq!(answer.len(), usize::from(answer[1]) + 2, "one close frame");
        drop(stream);
        let closed = timeout(LONG, peer.closed()).await?;
        assert_eq!((closed.code, closed.cause), (1002, CloseCause::Violation), "{code}");
        assert_eq!(closed.reason, format!("the status {code} of a close frame is not allowed"));
        until(|| running.server.peers().is_empty()).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_too_large_is_named_as_the_cause() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().limits(Limits::default().max_message_size(1_000))).await;
    let client = Client::connect(&running.url()).await?;
    until(|| running.server.peers().len() == 1).await;
    let peer = running.server.peers().remove(0);
    client.emit("x", ("y".repeat(5_000),)).await?;
    let (at_server, at_client) = (timeout(LONG, peer.closed()).await?, timeout(LONG, client.closed()).await?);
    assert_eq!((at_server.code, at_server.cause), (1009, CloseCause::Limit));
    assert_eq!((at_client.code, at_client.cause), (1009, CloseCause::Remote));
    assert_eq!(at_client.reason, "the message is larger than 1000 bytes");
    Ok(())
}
