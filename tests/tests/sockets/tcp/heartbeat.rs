//! Heartbeats and pings over sockets, with shortened limits.

use super::{listen, serve};
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::accept_async;
use wswrapper::{Client, Limits, Peer, Server, connection::CloseCause};
use wswrapper_tests::until;
use wswrapper_tests::websocket::websocket;

const INTERVAL: Duration = Duration::from_millis(300);
const GRACE: Duration = Duration::from_millis(300);
const PATIENT_GRACE: Duration = Duration::from_secs(2);
/// Far more than any of these tests takes.
const LONG: Duration = Duration::from_secs(20);

fn limits() -> Limits {
    Limits::default().heartbeat_interval(Some(INTERVAL)).heartbeat_grace(GRACE)
}

/// Limits for peers that answer, also on a machine that is busy.
fn patient_limits() -> Limits {
    limits().heartbeat_grace(PATIENT_GRACE)
}

/// A server with a client that reads and writes bytes.
async fn connect(limits: Limits) -> (Server, Peer, TcpStream) {
    let running = serve(Server::builder().limits(limits)).await;
    let stream = websocket(running.address).await.into_inner();
    until(|| running.server.peers().len() == 1).await;
    let peer = running.server.peers().remove(0);
    (running.server, peer, stream)
}

/// Reads a ping of a server, and returns its payload.
async fn read_ping(stream: &mut TcpStream) -> Result<[u8; 8], Box<dyn Error>> {
    let mut frame = [0; 10];
    timeout(LONG, stream.read_exact(&mut frame)).await??;
    assert_eq!(frame[..2], [0x89, 8]);
    Ok(frame[2..].try_into()?)
}

/// Returns a pong of a client, masked with zeros.
fn pong(payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("it is short");
    [&[0x8a, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_disconnected() -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let (server, peer, mut stream) = connect(limits()).await;
    read_ping(&mut stream).await?;
    let closed = timeout(LONG, peer.closed()).await?;
    assert_eq!((closed.code, closed.cause), (1006, CloseCause::Heartbeat));
    assert!(began.elapsed() >= INTERVAL * 9 / 10 + GRACE);
    // Without a closing handshake.
    assert_eq!(timeout(LONG, stream.read(&mut [0; 10])).await??, 0);
    assert!(server.peers().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_client_that_answers_pings_stays_connected() -> Result<(), Box<dyn Error>> {
    let (_server, peer, mut stream) = connect(patient_limits()).await;
    for _ in 0..4 {
        let payload = read_ping(&mut stream).await?;
        stream.write_all(&pong(&payload)).await?;
    }
    assert!(peer.is_open());
    Ok(())
}

/// The bytes of one header come one by one, each before the grace of a ping has passed. No frame is ever complete.
#[tokio::test]
async fn a_byte_of_an_incomplete_header_is_an_answer() -> Result<(), Box<dyn Error>> {
    let (_server, peer, mut stream) = connect(patient_limits()).await;
    for byte in [0x81, 0xff, 0, 0] {
        read_ping(&mut stream).await?;
        stream.write_all(&[byte]).await?;
    }
    assert!(peer.is_open());
    assert_eq!(timeout(LONG, peer.closed()).await?.cause, CloseCause::Heartbeat);
    Ok(())
}

/// A runtime that nobody drives is a process that was stopped: the system still accepts its bytes.
#[tokio::test]
async fn a_stopped_client_and_a_stopped_server_are_found() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().limits(limits())).await;
    let url = running.url();
    let stopped = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it can be started");
        let client = runtime.block_on(Client::connect(&url)).expect("the server listens");
        (runtime, client)
    });
    until(|| stopped.is_finished()).await;
    let stopped = stopped.join().expect("no panic");
    until(|| running.server.peers().len() == 1).await;
    let peer = running.server.peers().remove(0);
    assert_eq!(timeout(LONG, peer.closed()).await?.cause, CloseCause::Heartbeat);
    tokio::task::spawn_blocking(move || drop(stopped)).await?;

    let (listener, address) = listen().await;
    let accepting = tokio::spawn(async move { accept_async(listener.accept().await?.0).await });
    let client = Client::builder().limits(limits()).connect(&format!("ws://{address}")).await?;
    // It stays open, and nobody reads it.
    let _stopped = accepting.await??;
    assert_eq!(timeout(LONG, client.closed()).await?.cause, CloseCause::Heartbeat);
    Ok(())
}

#[tokio::test]
async fn a_pong_answers_its_ping_and_all_before_it_and_another_pong_answers_none() -> Result<(), Box<dyn Error>> {
    let (_server, peer, mut stream) = connect(Limits::default()).await;
    let ping = || {
        let peer = peer.clone();
        tokio::spawn(async move { peer.ping().await })
    };
    let first = ping();
    let first_payload = read_ping(&mut stream).await?;
    let second = ping();
    let second_payload = read_ping(&mut stream).await?;
    assert!(first_payload < second_payload);
    for unknown in [&b""[..], b"pong", &[0; 8], &[0xff; 8], &[0; 9], &first_payload[1..]] {
        stream.write_all(&pong(unknown)).await?;
    }
    sleep(Duration::from_millis(100)).await;
    assert!(!first.is_finished() && !second.is_finished());
    stream.write_all(&pong(&second_payload)).await?;
    let (first, second) = (timeout(LONG, first).await???, timeout(LONG, second).await???);
    assert!(first >= second && second >= Duration::from_millis(100), "{first:?} {second:?}");
    // A second pong of the same ping answers nothing.
    let third = ping();
    read_ping(&mut stream).await?;
    stream.write_all(&pong(&second_payload)).await?;
    sleep(Duration::from_millis(50)).await;
    assert!(!third.is_finished());
    drop(stream);
    assert!(timeout(LONG, third).await??.is_err());
    Ok(())
}

#[tokio::test]
async fn both_endpoints_of_this_crate_answer_pings() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().limits(patient_limits())).await;
    let client = Client::builder().limits(patient_limits()).connect(&running.url()).await?;
    until(|| running.server.peers().len() == 1).await;
    let peer = running.server.peers().remove(0);
    for _ in 0..100 {
        assert!(timeout(LONG, client.ping()).await?? < LONG);
        assert!(timeout(LONG, peer.ping()).await?? < LONG);
    }
    sleep(2 * (INTERVAL + PATIENT_GRACE)).await;
    assert!(client.is_open() && peer.is_open());
    Ok(())
}
