//! Handshakes that fail or time out.

use super::{TestService, TestServiceProxy, listen, refused_port, serve};
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wswrapper::{
    Client, Limits, Server,
    error::{AcceptError, ConnectError},
};

#[tokio::test]
async fn the_error_for_a_port_in_use_suggests_a_remedy() {
    let (_taken, address) = listen().await;
    let error = Server::builder().bind(address.to_string()).await.expect_err("the port is in use");
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {address}: the port is in use; end the program that uses it, or take another port")
    );
}

#[tokio::test]
async fn the_error_for_a_refused_connection_names_the_address() {
    let (_bound, address) = refused_port();
    let error = Client::connect(&format!("ws://{address}")).await.expect_err("no server listens");
    assert!(matches!(error, ConnectError::Connect { .. }));
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot connect to {address}: ")), "{text}");
    assert!(text.ends_with("; is the server running, and is this its address?"), "{text}");
}

#[tokio::test]
async fn the_error_for_a_failed_handshake_names_the_status() {
    let running = serve(Server::builder().path("/ws")).await;
    let error = Client::connect(&format!("{}/elsewhere", running.url())).await.expect_err("the path is wrong");
    assert_eq!(
        error.to_string(),
        format!("the server at {} refused the handshake: status 404 Not Found; is the path right?", running.address)
    );
    assert!(Client::connect(&format!("{}/ws", running.url())).await.is_ok());
}

#[tokio::test]
async fn the_body_of_a_refusal_is_bounded_and_may_be_cut_off() -> Result<(), Box<dyn Error>> {
    let long = format!("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 9000\r\n\r\n{}", "x".repeat(9_000));
    for (response, expected) in [
        (long.as_str(), 4_096),
        ("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 10\r\n\r\nhello", 5),
        ("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n\r\nhello", 5),
        ("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello", 5),
        ("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 Busy\r\nRetry-After: 1\r\n\r\n", 0),
    ] {
        let (listener, address) = listen().await;
        let url = format!("ws://{address}");
        let respond = async {
            let (mut stream, _) = listener.accept().await.expect("a client connects");
            let _ = stream.read(&mut [0; 1024]).await;
            // The client may close before it has read the whole response.
            let _ = stream.write_all(response.as_bytes()).await;
            let _ = stream.shutdown().await;
            stream
        };
        let (refused, _stream) = tokio::join!(Client::connect(&url), respond);
        let Err(ConnectError::Refused { status, headers, body, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!((status.as_u16(), headers["retry-after"].to_str()?, body.len()), (503, "1", expected));
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_whose_body_never_arrives_is_known_by_its_status() -> Result<(), Box<dyn Error>> {
    let (listener, address) = listen().await;
    let url = format!("ws://{address}");
    let respond = async {
        let (mut stream, _) = listener.accept().await.expect("a client connects");
        let _ = stream.read(&mut [0; 1024]).await;
        stream.write_all(b"HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\nabc").await.expect("it is open");
        stream
    };
    // Less than the time that a body may take.
    let builder = Client::builder().connect_timeout(Duration::from_millis(800));
    let (refused, _stream) = tokio::join!(builder.connect(&url), respond);
    assert!(matches!(&refused, Err(ConnectError::Refused { status, body, .. }) if *status == 401 && body == "abc"));
    Ok(())
}

#[tokio::test]
async fn a_server_without_websocket_fails_the_handshake_with_a_reason() {
    for (response, reason) in [
        ("SSH-2.0-OpenSSH_9.9\r\n\r\n", "what it answered is not HTTP"),
        (
            "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "its Sec-WebSocket-Accept does not fit the request",
        ),
        ("HTTP/1.1 101 Switching\r\nUpgrade: other\r\n\r\n", "it did not upgrade the connection to a WebSocket"),
        ("", "it ended the connection before it answered"),
    ] {
        let (listener, address) = listen().await;
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client connects");
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(response.as_bytes()).await;
        });
        let error = Client::connect(&format!("ws://{address}")).await.expect_err(response);
        assert_eq!(error.to_string(), format!("the server at {address} failed the handshake: {reason}"));
    }
}

#[tokio::test]
async fn connecting_to_a_silent_server_times_out() {
    let (_listener, address) = listen().await;
    let limits = Limits::default().handshake_timeout(Duration::from_millis(50));
    let error =
        Client::builder().limits(limits).connect(&format!("ws://{address}")).await.expect_err("the server is silent");
    assert_eq!(
        error.to_string(),
        format!("connecting to {address} took too long: the WebSocket handshake is not finished")
    );
}

#[tokio::test]
async fn connect_timeout_overrides_the_handshake_timeout() -> Result<(), Box<dyn Error>> {
    let (listener, address) = listen().await;
    let url = format!("ws://{address}");
    let silent = Client::builder().connect_timeout(Duration::from_millis(50)).connect(&url);
    let error = tokio::time::timeout(Duration::from_secs(5), silent).await?.expect_err("the server is silent");
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
    let _ = listener.accept().await?;
    // A longer connect timeout also overrides the limit, which has passed when the second client times out.
    let limits = Limits::default().handshake_timeout(Duration::from_millis(50));
    let patient = Client::builder().limits(limits.clone()).connect_timeout(Duration::MAX);
    let patient = tokio::spawn({
        let url = url.clone();
        async move { patient.connect(&url).await }
    });
    let (stream, _) = listener.accept().await?;
    let hasty = Client::builder().limits(limits).connect(&url).await;
    assert!(matches!(hasty, Err(ConnectError::TimedOut { .. })));
    let server = Server::builder().service(TestService).build()?;
    server.accept(stream).await?;
    assert_eq!(TestServiceProxy::new(&patient.await??).echo("hello").await?, "hello");
    Ok(())
}

#[tokio::test]
async fn a_connection_with_an_incomplete_request_is_closed() {
    let limits = Limits::default().handshake_timeout(Duration::from_millis(100));
    let running = serve(Server::builder().limits(limits)).await;
    assert_eq!(running.http("GET / HT").await, "");
}

#[tokio::test]
async fn a_stream_accepted_by_the_caller_is_served() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().service(TestService).build()?;
    let (listener, address) = listen().await;
    let url = format!("ws://{address}");
    let accepting = tokio::spawn({
        let server = server.clone();
        async move {
            let (stream, _) = listener.accept().await.expect("a client connects");
            let peer = server.accept(stream).await;
            let (stream, _) = listener.accept().await.expect("a client connects");
            (peer, server.accept(stream).await)
        }
    });
    let client = Client::connect(&url).await?;
    assert_eq!(TestServiceProxy::new(&client).echo("hello").await?, "hello");
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await?;
    let (peer, refused) = accepting.await?;
    assert!(peer?.is_open());
    assert!(matches!(refused, Err(AcceptError::Http(426))));
    Ok(())
}
