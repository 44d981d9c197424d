//! Clients that connect again over TCP.

use http::StatusCode;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use wswrapper::client::{ClientState, ConnectRequest, Decision, Disconnected, Reconnect};
use wswrapper::error::ConnectError;
use wswrapper::server::{Refusal, ServerBuilder};
use wswrapper::{Client, Server};
use wswrapper_tests::network::opened;
use wswrapper_tests::{Log, until};

/// A policy that does not let a test wait.
fn quick() -> Reconnect {
    Reconnect::default().base_delay(Duration::from_millis(20)).max_delay(Duration::from_millis(50))
}

/// Runs a server at an address until the task is aborted.
async fn serve(
    builder: ServerBuilder,
    address: SocketAddr,
) -> Result<(Server, SocketAddr, JoinHandle<()>), Box<dyn Error>> {
    let listener = builder.bind(address).await?;
    let (server, address) = (listener.server().clone(), listener.local_addr());
    server.on("token", |ctx: wswrapper::Context| async move {
        ctx.handshake().headers().get("x-token").and_then(|token| token.to_str().ok()).map(str::to_owned)
    })?;
    let task = tokio::spawn(async move {
        // It is aborted or closed.
        let _ = listener.serve().await;
    });
    Ok((server, address, task))
}

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

#[tokio::test]
async fn a_server_that_restarts_on_its_port_is_found_again() -> Result<(), Box<dyn Error>> {
    let (server, address, task) = serve(Server::builder(), ANY_PORT).await?;
    let client = Client::builder().reconnect(quick()).connect(format!("ws://{address}")).await?;
    client.on("name", || async { "Ada" })?;
    let mut old = Some((server, task));
    for epoch in 2..5 {
        if let Some((server, task)) = old.take() {
            server.close();
            server.closed().await;
            drop(server);
            task.abort();
            // The listener is gone.
            let _ = task.await;
        }
        client.closed().await;
        until(|| {
            matches!(&*client.state().borrow(), ClientState::Waiting { error: Disconnected::Failed(error), .. }
            if matches!(**error, ConnectError::Connect { .. }))
        })
        .await;
        let (server, _, task) = serve(Server::builder(), address).await?;
        opened(&client, epoch).await;
        assert_eq!(server.peers()[0].request::<String>("name", ()).await?, "Ada");
        old = Some((server, task));
    }
    Ok(())
}

#[tokio::test]
async fn each_attempt_has_a_fresh_token() -> Result<(), Box<dyn Error>> {
    let (server, address, _task) = serve(Server::builder(), ANY_PORT).await?;
    let (tokens, log) = (Arc::new(AtomicUsize::new(0)), Log::default());
    let errors = log.clone();
    let destination = move |_attempt| {
        let number = tokens.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            if number == 2 {
                return Err(io::Error::other("no token today"));
            }
            Ok(ConnectRequest::new(format!("ws://{address}")).header("X-Token", &number.to_string()))
        }
    };
    let client = Client::builder()
        .header("X-Token", "of the builder")
        .reconnect(quick())
        .on_reconnect_error(move |attempt, error| {
            let source = error.source().map(ToString::to_string);
            errors.add(format!("{attempt}: {error}: {}", source.unwrap_or_default()));
            Decision::Retry
        })
        .connect(destination)
        .await?;
    assert_eq!(client.request::<Option<String>>("token", ()).await?.as_deref(), Some("1"));
    server.peers()[0].close(1012, "restart");
    opened(&client, 2).await;
    assert_eq!(client.request::<Option<String>>("token", ()).await?.as_deref(), Some("3"));
    assert_eq!(log.entries(), ["1: the function for the destination failed: no token today"]);
    Ok(())
}

#[tokio::test]
async fn a_refusal_with_401_is_not_tried_again() -> Result<(), Box<dyn Error>> {
    let (expired, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (is_expired, count) = (Arc::clone(&expired), Arc::clone(&asked));
    let builder = Server::builder().authenticate(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        let expired = is_expired.load(Ordering::Relaxed);
        async move { if expired { Err(Refusal::new(StatusCode::UNAUTHORIZED)) } else { Ok(()) } }
    });
    let (server, address, _task) = serve(builder, ANY_PORT).await?;
    let client = Client::builder().reconnect(quick()).connect(format!("ws://{address}")).await?;
    expired.store(true, Ordering::Relaxed);
    server.peers()[0].close(1012, "restart");
    let mut state = client.state();
    let state = state.wait_for(ClientState::is_closed).await?.clone();
    let ClientState::Closed { cause: Disconnected::Failed(error) } = state else { panic!("{state:?}") };
    assert!(matches!(&*error, ConnectError::Refused { status, .. } if *status == StatusCode::UNAUTHORIZED));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    // The program has a new token.
    expired.store(false, Ordering::Relaxed);
    client.restart().await?;
    assert!(client.is_open());
    Ok(())
}

#[tokio::test]
async fn retry_after_delays_the_next_attempt() -> Result<(), Box<dyn Error>> {
    let refuses = Arc::new(AtomicBool::new(false));
    let next_is_refused = Arc::clone(&refuses);
    let builder = Server::builder().authenticate(move |_| {
        let refuses = next_is_refused.swap(false, Ordering::Relaxed);
        let refusal = || Refusal::new(StatusCode::SERVICE_UNAVAILABLE).header("Retry-After", "1");
        async move { if refuses { Err(refusal()) } else { Ok(()) } }
    });
    let (server, address, _task) = serve(builder, ANY_PORT).await?;
    let client = Client::builder().reconnect(quick()).connect(format!("ws://{address}")).await?;
    refuses.store(true, Ordering::Relaxed);
    let began = Instant::now();
    server.peers()[0].close(1012, "restart");
    opened(&client, 2).await;
    assert!(began.elapsed() >= Duration::from_secs(1));
    Ok(())
}

#[tokio::test]
async fn a_wrong_url_or_header_is_final() -> Result<(), Box<dyn Error>> {
    let policy = || quick().first_connect(true);
    let failed = Client::builder().reconnect(policy()).connect("http//x").await.expect_err("it is no URL");
    assert!(matches!(failed, ConnectError::Url { .. }), "{failed}");
    let request = ConnectRequest::new("ws://localhost").header("Upgrade", "x");
    let failed = Client::builder().reconnect(policy()).connect(request).await.expect_err("the header is invalid");
    assert!(matches!(failed, ConnectError::Header { .. }), "{failed}");
    Ok(())
}

#[tokio::test]
async fn a_destination_that_never_answers_has_the_time_for_connecting() -> Result<(), Box<dyn Error>> {
    let never = |_| std::future::pending::<Result<String, io::Error>>();
    let builder = Client::builder().connect_timeout(Duration::from_millis(50));
    let failed = builder.connect(never).await.expect_err("it never answers");
    let expected = "connecting to the server took too long: the function that determines its URL is not finished";
    assert_eq!(failed.to_string(), expected);
    Ok(())
}

#[tokio::test]
async fn a_client_that_exists_is_connected_to_another_server() -> Result<(), Box<dyn Error>> {
    let (first, address, _first_task) = serve(Server::builder(), ANY_PORT).await?;
    let (second, other, _second_task) = serve(Server::builder(), ANY_PORT).await?;
    let client = Client::builder().reconnect(quick()).build()?;
    client.on("name", || async { "Ada" })?;
    client.connect_to(format!("ws://{address}/1")).await?;
    assert_eq!(client.handshake().path(), "/1");
    client.connect_to(&format!("ws://{other}/2")).await?;
    assert_eq!((client.handshake().path(), client.peer().epoch()), ("/2", 2));
    assert_eq!(second.peers()[0].request::<String>("name", ()).await?, "Ada");
    until(|| first.peers().is_empty()).await;
    // It connects to the second one again.
    second.peers()[0].close(1012, "restart");
    opened(&client, 3).await;
    assert_eq!(client.handshake().path(), "/2");
    client.stop(Duration::from_secs(5)).await;
    until(|| second.peers().is_empty()).await;
    Ok(())
}
