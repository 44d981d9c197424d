//! Responses that are read slowly or not at all, and requests and bodies that stay incomplete.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{sleep, timeout};
use wswrapper::{Limits, Server, error::AcceptError};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const PAGE: usize = 3_000_000;
const LONG: Duration = Duration::from_hours(1);

fn server(limits: Limits) -> Result<Server, Box<dyn Error>> {
    let page = axum::Router::new().route("/", axum::routing::get(|| async { vec![b'a'; PAGE] }));
    Ok(Server::builder().path("/ws").limits(limits).fallback(page).build()?)
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_receives_the_whole_page() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default()
        .handshake_timeout(Duration::from_millis(50))
        .write_timeout(Duration::from_secs(1))
        .close_timeout(Duration::from_millis(50));
    let server = server(limits)?;
    let (mut local, remote) = duplex(64 * 1024);
    let accepting = tokio::spawn(async move { server.accept(remote).await });
    local.write_all(GET).await?;
    let mut response = Vec::new();
    // Each read is within the write timeout. All reads together take far longer than any limit.
    while local.read_buf(&mut response).await? > 0 {
        sleep(Duration::from_millis(500)).await;
    }
    let head = response.windows(4).position(|end| end == b"\r\n\r\n").ok_or("the head is incomplete")? + 4;
    assert!(response.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert_eq!(response.len() - head, PAGE);
    assert!(response[head..].iter().all(|byte| *byte == b'a'), "other bytes were written into the page");
    assert!(matches!(accepting.await?, Err(AcceptError::Http(200))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_reads_nothing_times_out() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().handshake_timeout(Duration::MAX).write_timeout(Duration::from_secs(1));
    let server = server(limits)?;
    let (mut local, remote) = duplex(64 * 1024);
    local.write_all(GET).await?;
    let ended = timeout(LONG, server.accept(remote)).await?;
    assert!(matches!(&ended, Err(AcceptError::Io(error)) if error.kind() == ErrorKind::TimedOut), "{ended:?}");
    // The bytes written before the timeout are readable, and then the stream ends.
    let mut response = Vec::new();
    timeout(LONG, local.read_to_end(&mut response)).await??;
    assert!(response.len() < PAGE);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_an_error_of_the_fallback() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().write_timeout(Duration::from_secs(1));
    let echo = axum::Router::new().route("/", axum::routing::post(|body: String| async { body }));
    let server = Server::builder().path("/ws").limits(limits).fallback(echo).build()?;
    let (mut local, remote) = duplex(64 * 1024);
    let accepting = tokio::spawn(async move { server.accept(remote).await });
    local.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na").await?;
    // Each part is within the time.
    sleep(Duration::from_millis(800)).await;
    local.write_all(b"b").await?;
    sleep(Duration::from_millis(800)).await;
    assert!(!accepting.is_finished());
    let mut response = Vec::new();
    timeout(LONG, local.read_to_end(&mut response)).await??;
    assert!(response.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&response));
    assert!(matches!(accepting.await?, Err(AcceptError::Http(400))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_request_stays_incomplete_is_closed() -> Result<(), Box<dyn Error>> {
    let server = server(Limits::default().handshake_timeout(Duration::from_millis(50)))?;
    let (mut local, remote) = duplex(64 * 1024);
    let accepting = tokio::spawn(async move { server.accept(remote).await });
    // Sends a part of the request within the timeout.
    for part in ["GET / HTTP/1.1\r\n", "Host: x\r\n"] {
        local.write_all(part.as_bytes()).await?;
        sleep(Duration::from_millis(20)).await;
    }
    let mut response = String::new();
    timeout(LONG, local.read_to_string(&mut response)).await??;
    assert_eq!(response, "");
    assert!(matches!(accepting.await?, Err(AcceptError::TimedOut)));
    Ok(())
}
