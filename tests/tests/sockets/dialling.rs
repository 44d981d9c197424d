//! Clients over Unix sockets, over streams that are open already, and over further connections.

use crate::tls::authority::Authority;
use std::error::Error;
use std::sync::Arc;
use tokio::io::duplex;
use tokio_rustls::TlsAcceptor;
use wswrapper::connection::Extensions;
use wswrapper::error::{CallError, ConnectError, Rejection};
use wswrapper::{Client, Context, Limits, Server};

/// Builds a server whose handler `target` returns the path, the query and the header `Host`, and whose handler `echo`
/// returns its argument.
fn build() -> Server {
    let server = Server::builder().any_origin().build().expect("there are no services");
    let target = |ctx: Context| async move {
        let handshake = ctx.handshake();
        let host = handshake.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        format!("{} {host}", handshake.uri())
    };
    server.on("target", target).expect("a valid name");
    server.on("echo", |text: String| async move { text }).expect("a valid name");
    server
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_reached_by_its_path() -> Result<(), Box<dyn Error>> {
    let path = std::env::temp_dir().join(format!("wswrapper-{} ä.sock", std::process::id()));
    let path = path.to_str().ok_or("the folder has a name in Unicode")?.to_owned();
    let listener = tokio::net::UnixListener::bind(&path)?;
    let server = build();
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            server.accept(stream).await.expect("the request is valid");
        }
    });
    for (url, expected) in [
        (format!("ws+unix://{path}:/chat?room=1"), "/chat?room=1 localhost"),
        (format!("ws+unix:{path}"), "/ localhost"),
    ] {
        let client = Client::connect(&url).await?;
        assert_eq!(client.request::<String>("target", ()).await?, expected);
        assert_eq!(client.handshake().remote_addr(), None);
    }
    let client = Client::builder().host("desk.example").connect(&format!("ws+unix:{path}")).await?;
    assert_eq!(client.request::<String>("target", ()).await?, "/ desk.example");
    accepting.abort();
    let _ = accepting.await;
    let refused = Client::connect(&format!("ws+unix:{path}")).await.expect_err("nothing listens");
    let help = ": nothing listens there; is the server running, and is this its address?";
    assert_eq!(refused.to_string(), format!("cannot connect to {path}{help}"));
    std::fs::remove_file(&path)?;
    let missing = Client::connect(&format!("ws+unix:{path}")).await.expect_err("there is no socket");
    let help = ": there is no such socket; is the server running, and is the path right?";
    assert_eq!(missing.to_string(), format!("cannot connect to {path}{help}"));
    Ok(())
}

#[tokio::test]
async fn a_client_connects_over_any_stream() -> Result<(), Box<dyn Error>> {
    let server = build();
    let (local, remote) = duplex(1 << 16);
    let accepting = tokio::spawn({
        let server = server.clone();
        async move { server.accept(remote).await }
    });
    let client = Client::builder().connect_over(local, "ws://desk.example:81/chat?room=1").await?;
    assert_eq!(client.request::<String>("target", ()).await?, "/chat?room=1 desk.example:81");
    accepting.await??;
    Ok(())
}

#[tokio::test]
async fn a_wss_url_encrypts_the_stream_that_the_client_is_given() -> Result<(), Box<dyn Error>> {
    let (server, authority) = (build(), Authority::new());
    let acceptor = TlsAcceptor::from(Arc::new(authority.certifies(&["desk.example"])));
    let (local, remote) = duplex(1 << 16);
    let accepting = tokio::spawn({
        let server = server.clone();
        async move {
            let stream = acceptor.accept(remote).await.expect("the client speaks TLS");
            server.accept(stream).await.expect("the request is valid")
        }
    });
    let client = authority.client().connect_over(local, "wss://desk.example").await?;
    assert_eq!(client.request::<String>("target", ()).await?, "/ desk.example");
    accepting.await?;
    Ok(())
}

#[tokio::test]
async fn a_stream_that_ends_fails_the_handshake() {
    let (local, remote) = duplex(1 << 16);
    drop(remote);
    let error = Client::builder().connect_over(local, "ws://desk.example").await.expect_err("the stream has ended");
    assert_eq!(
        error.to_string(),
        "the server at desk.example:80 failed the handshake: it ended the connection before it answered"
    );
    assert!(matches!(error, ConnectError::Protocol { source: Some(_), .. }), "{error:?}");
}

#[tokio::test]
async fn a_client_goes_on_over_a_new_socket_with_its_handlers() -> Result<(), Box<dyn Error>> {
    let listener = Server::builder().bind("127.0.0.1:0").await?;
    let server = listener.server().clone();
    let ask = |ctx: Context| async move {
        let name = ctx.peer().request::<String>("name", ()).await.map_err(|error| Rejection::new(error.to_string()))?;
        Ok::<_, Rejection>(format!("{name} at {}", ctx.handshake().path()))
    };
    server.on("ask", ask)?;
    server.on("echo", |text: String| async move { text })?;
    let url = format!("ws://{}", listener.local_addr());
    tokio::spawn(listener.serve());

    let limits = Limits::default().max_message_size(1_000);
    let client = Client::builder().limits(limits).connect(&format!("{url}/first")).await?;
    client.on("name", || async { "Ada" })?;
    assert_eq!(client.request::<String>("ask", ()).await?, "Ada at /first");
    for peer in server.peers() {
        peer.close(4000, "once more");
    }
    client.closed().await;

    let builder = Client::builder().subprotocol("desk.v1");
    let (transport, handshake) = builder.dial(&format!("{url}/second")).await?;
    client.rebind_with(transport, handshake, Extensions::new()).await?;
    assert_eq!(client.request::<String>("ask", ()).await?, "Ada at /second");
    assert_eq!(client.handshake().path(), "/second");
    // The client's own limits hold.
    let long = "x".repeat(2_000);
    let error = client.request::<String>("echo", (long,)).await.expect_err("the response is too large");
    assert!(matches!(error, CallError::Closed(_)), "{error}");
    client.closed().await;

    // A builder may be used again.
    let (transport, handshake) = builder.dial(&format!("{url}/third")).await?;
    client.rebind_with(transport, handshake, Extensions::new()).await?;
    assert_eq!(client.request::<String>("ask", ()).await?, "Ada at /third");
    Ok(())
}

#[tokio::test]
async fn a_client_goes_on_over_a_stream_that_it_is_given() -> Result<(), Box<dyn Error>> {
    let server = build();
    let (local, remote) = duplex(1 << 16);
    let (client, peer) = tokio::join!(Client::builder().connect_over(local, "ws://a/1"), server.accept(remote));
    let (client, peer) = (client?, peer?);
    peer.close(4000, "once more");
    client.closed().await;
    let (local, remote) = duplex(1 << 16);
    let builder = Client::builder();
    let (dialled, peer) = tokio::join!(builder.dial_over(local, "ws://b/2"), server.accept(remote));
    let ((transport, handshake), _peer) = (dialled?, peer?);
    client.rebind_with(transport, handshake, Extensions::new()).await?;
    assert_eq!(client.request::<String>("target", ()).await?, "/2 b");
    Ok(())
}

#[tokio::test]
async fn an_invalid_setting_fails_each_way_to_connect() {
    let builder = || Client::builder().subprotocol("two words");
    let text = builder().connect("ws://localhost").await.expect_err("it is invalid").to_string();
    assert!(text.starts_with("`two words` cannot be a subprotocol"), "{text}");
    let dialled = builder().dial("ws://localhost").await;
    assert_eq!(dialled.err().expect("it is invalid").to_string(), text);
    let over = builder().connect_over(duplex(1).0, "ws://localhost").await;
    assert_eq!(over.expect_err("it is invalid").to_string(), text);
}
