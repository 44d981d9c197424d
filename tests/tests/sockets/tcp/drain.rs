//! Drains of a server that listens, and its pages for load balancers.

use super::{Running, serve};
use serde_json::Value;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;
use wswrapper::error::{AcceptError, ConnectError, MountError};
use wswrapper::{Client, Limits, Server};
use wswrapper_tests::until;

/// Far longer than any operation here.
const LONG: Duration = Duration::from_secs(20);

/// A WebSocket handshake for `/`.
const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Adds the handler `slow`, which returns when it is notified.
fn slow(server: &Server) -> Result<Arc<Notify>, MountError> {
    let finish = Arc::new(Notify::new());
    server.on("slow", {
        let finish = Arc::clone(&finish);
        move || {
            let finish = Arc::clone(&finish);
            async move {
                finish.notified().await;
                true
            }
        }
    })?;
    Ok(finish)
}

async fn get(running: &Running, path: &str) -> String {
    running.http(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await
}

#[tokio::test]
async fn a_draining_server_refuses_handshakes_and_answers_other_requests_until_it_closes() -> Result<(), Box<dyn Error>>
{
    let pages = axum::Router::new().route("/", axum::routing::get(|| async { "<p>hello" }));
    let builder = Server::builder().health_path("/health").fallback(pages);
    let running = serve(builder).await;
    let health = get(&running, "/health").await;
    assert!(health.starts_with("HTTP/1.1 200 OK\r\n") && health.ends_with("\r\n\r\nok\n"), "{health}");
    let finish = slow(&running.server)?;
    let client = Client::connect(&running.url()).await?;
    let call = tokio::spawn(client.request::<bool>("slow", ()));
    until(|| running.server.status().handlers_in_flight == 1).await;
    let shutdown = running.server.shutdown(LONG);

    let health = get(&running, "/health").await;
    assert!(health.starts_with("HTTP/1.1 503 ") && health.ends_with("\r\n\r\ndraining\n"), "{health}");
    assert!(get(&running, "/").await.ends_with("<p>hello"));
    let refused = running.http(HANDSHAKE).await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    let refused = Client::connect(&running.url()).await;
    assert!(matches!(&refused, Err(ConnectError::Refused { status, .. }) if status.as_u16() == 503), "{refused:?}");

    finish.notify_one();
    assert!(timeout(LONG, call).await???);
    assert_eq!(timeout(LONG, client.closed()).await?.code, 1001);
    let report = timeout(LONG, shutdown).await?;
    assert_eq!((report.ended, report.cut_off, report.calls_cancelled), (1, 0, 0));
    timeout(LONG, running.serving).await???;
    assert!(tokio::net::TcpStream::connect(running.address).await.is_err());
    Ok(())
}

#[tokio::test]
async fn serving_until_a_signal_drains_for_the_drain_timeout() -> Result<(), Box<dyn Error>> {
    for (drain_timeout, is_answered) in [(LONG, true), (Duration::from_millis(50), false)] {
        let limits = Limits::default().drain_timeout(drain_timeout);
        let listener = Server::builder().limits(limits).bind("127.0.0.1:0").await?;
        let server = listener.server().clone();
        let finish = slow(&server)?;
        let url = format!("ws://{}", listener.local_addr());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(listener.serve_until(stopped));
        let client = Client::connect(&url).await?;
        let call = tokio::spawn(client.request::<bool>("slow", ()));
        until(|| server.status().handlers_in_flight == 1).await;
        drop(stop);
        until(|| server.is_draining() || server.is_closing()).await;
        if is_answered {
            finish.notify_one();
        }
        assert_eq!(timeout(LONG, call).await??.is_ok(), is_answered);
        timeout(LONG, serving).await???;
        assert!(server.is_closing());
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_that_a_draining_server_is_given_is_refused() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr()?);
    server.shutdown(LONG).await;
    let (connected, accepted) = tokio::join!(Client::connect(&url), async {
        let (stream, _) = listener.accept().await?;
        Ok::<_, std::io::Error>(server.accept(stream).await)
    });
    assert!(matches!(&connected, Err(ConnectError::Refused { status, .. }) if status.as_u16() == 503), "{connected:?}");
    let accepted = accepted?;
    assert!(matches!(accepted, Err(AcceptError::Closing)), "{accepted:?}");
    Ok(())
}

#[tokio::test]
async fn a_handshake_that_is_decided_when_the_drain_begins_is_refused() -> Result<(), Box<dyn Error>> {
    let (asked, is_asked) = oneshot::channel::<()>();
    let (decide, decided) = oneshot::channel::<()>();
    let once = std::sync::Mutex::new(Some((asked, decided)));
    let builder = Server::builder().authenticate(move |_| {
        let once = once.lock().expect("no panic").take();
        async move {
            if let Some((asked, decided)) = once {
                let _ = asked.send(());
                let _ = decided.await;
            }
            Ok::<(), wswrapper::server::Refusal>(())
        }
    });
    let running = serve(builder).await;
    // It holds up the drain.
    let finish = slow(&running.server)?;
    let first = {
        let url = running.url();
        tokio::spawn(async move { Client::connect(&url).await.map(drop) })
    };
    is_asked.await?;
    let client = Client::connect(&running.url()).await?;
    let _call = tokio::spawn(client.request::<bool>("slow", ()));
    until(|| running.server.status().handlers_in_flight == 1).await;
    let shutdown = running.server.shutdown(LONG);
    decide.send(()).expect("it waits");
    let refused = timeout(LONG, first).await??;
    assert!(matches!(&refused, Err(ConnectError::Refused { status, .. }) if status.as_u16() == 503), "{refused:?}");
    finish.notify_one();
    timeout(LONG, shutdown).await?;
    Ok(())
}

#[tokio::test]
async fn the_status_page_is_json_and_the_health_page_is_answered_for_each_host() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().hosts(["x"]).path("/ws").health_path("health").status_path("/status")).await;
    let response = get(&running, "/status").await;
    let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"), "{head}");
    let status: Value = serde_json::from_str(body)?;
    assert_eq!((status["connections"].as_u64(), status["draining"].as_bool()), (Some(0), Some(false)));
    for (request, expected) in [
        ("GET /status HTTP/1.1\r\nHost: other\r\n\r\n", "HTTP/1.1 403 "),
        ("POST /status HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 "),
        ("HEAD /status HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 "),
        ("GET /health HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", "HTTP/1.1 200 "),
        ("DELETE /health HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 "),
        ("GET /healthy HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 "),
    ] {
        let response = running.http(request).await;
        assert!(response.starts_with(expected), "{request}: {response}");
    }
    Ok(())
}
