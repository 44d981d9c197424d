//! Pages that are read slowly, or not at all, and requests that do not come.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{sleep, timeout};
use wswrapper::{AcceptError, Limits, Server};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const PAGE: usize = 3_000_000;
const LONG: Duration = Duration::from_hours(1);

fn server(limits: Limits) -> Result<Server, Box<dyn Error>> {
    Ok(Server::builder().limits(limits).page("/", "text/plain", vec![b'a'; PAGE]).build()?)
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_receives_the_whole_page() -> Result<(), Box<dyn Error>> {
    let limits = Limits {
        handshake_timeout: Duration::from_millis(50),
        write_timeout: Duration::from_secs(1),
        close_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = server(limits)?;
    let (mut near, far) = duplex(64 * 1024);
    let accepting = tokio::spawn(async move { server.accept(far).await });
    near.write_all(GET).await?;
    let mut answer = Vec::new();
    // Less than a second each time, and far longer in all.
    while near.read_buf(&mut answer).await? > 0 {
        sleep(Duration::from_millis(500)).await;
    }
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n").ok_or("it has no end")? + 4;
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert_eq!(answer.len() - head, PAGE);
    assert!(answer[head..].iter().all(|byte| *byte == b'a'), "something else was written into the page");
    assert!(matches!(accepting.await?, Err(AcceptError::Http(200))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_reads_nothing_times_out() -> Result<(), Box<dyn Error>> {
    let limits =
        Limits { handshake_timeout: Duration::MAX, write_timeout: Duration::from_secs(1), ..Limits::default() };
    let server = server(limits)?;
    let (mut near, far) = duplex(64 * 1024);
    near.write_all(GET).await?;
    let ended = timeout(LONG, server.accept(far)).await?;
    assert!(matches!(&ended, Err(AcceptError::Io(error)) if error.kind() == ErrorKind::TimedOut), "{ended:?}");
    // What was on its way is there, and then the end.
    let mut answer = Vec::new();
    timeout(LONG, near.read_to_end(&mut answer)).await??;
    assert!(answer.len() < PAGE);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_request_that_stays_incomplete_is_answered_with_408() -> Result<(), Box<dyn Error>> {
    let server = server(Limits { handshake_timeout: Duration::from_millis(50), ..Limits::default() })?;
    let (mut near, far) = duplex(64 * 1024);
    let accepting = tokio::spawn(async move { server.accept(far).await });
    // It has begun, and goes on a little.
    for part in ["GET / HTTP/1.1\r\n", "Host: x\r\n"] {
        near.write_all(part.as_bytes()).await?;
        sleep(Duration::from_millis(20)).await;
    }
    let mut answer = String::new();
    timeout(LONG, near.read_to_string(&mut answer)).await??;
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    assert!(matches!(accepting.await?, Err(AcceptError::TimedOut)));
    Ok(())
}
