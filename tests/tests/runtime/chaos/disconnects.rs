//! Peers and networks that disappear.

use super::{ChaosProxy, TaskBaseline, chaos_server, connect, serve};
use futures_util::SinkExt;
use std::error::Error;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use wswrapper::transport::memory;
use wswrapper::{CallError, Limits, connection::CloseCause};
use wswrapper_tests::websocket::websocket;
use wswrapper_tests::{RawPeer, until};

#[tokio::test(start_paused = true)]
async fn a_lost_network_fails_all_running_calls() {
    let baseline = TaskBaseline::now();
    let (service, builder) = chaos_server();
    let (server, _, client, control) = connect(builder, &memory::builder().latency(Duration::from_millis(20)));
    let proxy = ChaosProxy::new(&client);
    let calls: Vec<_> = (0..1_000)
        .map(|n| {
            let proxy = proxy.clone();
            tokio::spawn(async move { proxy.sleep(1_000 + n).await })
        })
        .collect();
    service.handlers.becomes(1_000).await;
    sleep(Duration::from_millis(1_500)).await;
    control.cut();
    let mut answered = 0;
    for call in calls {
        match call.await.expect("no panic") {
            Ok(_) => answered += 1,
            Err(error) => assert!(matches!(error, CallError::Closed(_)), "{error:?}"),
        }
    }
    assert!((400..600).contains(&answered), "{answered} calls were answered before the cut");
    assert_eq!(client.calls_in_flight(), 0);
    drop((proxy, client));
    baseline.is_restored(&server, &service).await;
}

#[tokio::test]
async fn a_client_that_disconnects_at_any_point_leaves_nothing_behind() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits::default()).await;
    // During calls that run.
    let mut websocket = websocket(running.address).await;
    for n in 1..=100 {
        websocket.feed(Message::text(format!(r#"{{"a":["wait"],"i":{n}}}"#))).await?;
    }
    websocket.flush().await?;
    running.service.handlers.becomes(100).await;
    drop(websocket);
    running.service.handlers.becomes(0).await;
    // During a frame: after its first byte, in the length, in the mask, in the text, and between two fragments.
    let partial_text: &[u8] = b"\x81\xfe\x01\x00\x00\x00\x00\x00{\"a\":[\"echo\"";
    for partial in
        [b"\x81".as_slice(), b"\x81\xfe\x01", b"\x81\x85\x00\x00", partial_text, b"\x01\x81\x00\x00\x00\x00{"]
    {
        let mut socket = running.socket().await;
        let peer = running.peer().await;
        socket.write_all(partial).await?;
        drop(socket);
        let closed = peer.closed().await;
        assert_eq!((closed.code, closed.cause), (1006, CloseCause::Lost), "{partial:?}");
    }
    // During the handshake.
    for partial in ["", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r"] {
        let mut socket = TcpStream::connect(running.address).await?;
        socket.write_all(partial.as_bytes()).await?;
        drop(socket);
    }
    running.shut_down_cleanly().await;
    Ok(())
}

#[tokio::test]
async fn a_disconnect_while_reading_is_paused_is_noticed_when_reading_resumes() {
    let baseline = TaskBaseline::now();
    let (service, builder) = chaos_server();
    let limits = Limits::default().max_handlers_in_flight(1).max_held_bytes(100);
    let server = builder.limits(limits).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    for n in 1..=20 {
        raw.send(&format!(r#"{{"a":["sleep",1],"i":{n}}}"#)).await;
    }
    drop(raw);
    until(|| !peer.is_open()).await;
    baseline.is_restored(&server, &service).await;
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_while_reading_is_paused_is_noticed_while_a_handler_runs() {
    let baseline = TaskBaseline::now();
    let (service, builder) = chaos_server();
    let limits = Limits::default().max_handlers_in_flight(1).max_held_bytes(100);
    let server = builder.limits(limits).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    for n in 1..=20 {
        raw.send(&format!(r#"{{"a":["wait"],"i":{n}}}"#)).await;
    }
    service.handlers.becomes(1).await;
    sleep(2 * Limits::default().write_timeout).await;
    assert!(peer.is_open(), "the connection is still open");
    drop(raw);
    let closed = timeout(Duration::from_mins(1), peer.closed()).await;
    assert_eq!(closed.expect("the disconnect is noticed").code, 1006);
    baseline.is_restored(&server, &service).await;
}

#[tokio::test]
async fn a_socket_closed_while_reading_is_paused_is_noticed_while_a_handler_runs() -> Result<(), Box<dyn Error>> {
    let write_timeout = Duration::from_millis(20);
    let running =
        serve(Limits::default().max_handlers_in_flight(1).max_held_bytes(100).write_timeout(write_timeout)).await;
    let mut websocket = websocket(running.address).await;
    let peer = running.peer().await;
    for n in 1..=1_000 {
        websocket.feed(Message::text(format!(r#"{{"a":["wait"],"i":{n}}}"#))).await?;
    }
    websocket.flush().await?;
    running.service.handlers.becomes(1).await;
    drop(websocket);
    assert_eq!(timeout(Duration::from_mins(1), peer.closed()).await?.code, 1006);
    running.shut_down_cleanly().await;
    Ok(())
}
