//! Sources of connections beside a TCP port.

use super::{TestService, TestServiceProxy};
use futures_util::{SinkExt, StreamExt};
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use wswrapper::connection::{Extensions, Handshake};
use wswrapper::{Client, Limits, Server, error::MountError, server::Accept};

/// A source of streams in memory.
struct Streams(mpsc::Receiver<DuplexStream>);

impl Accept for Streams {
    type Stream = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, Option<SocketAddr>)> {
        match self.0.recv().await {
            Some(stream) => Ok((stream, Some(([192, 0, 2, 1], 7).into()))),
            None => std::future::pending().await,
        }
    }
}

#[tokio::test]
async fn a_source_of_ones_own_is_served() -> Result<(), Box<dyn Error>> {
    let (sender, receiver) = mpsc::channel(1);
    let listener = Server::builder().service(TestService).listen(Streams(receiver))?;
    let server = listener.server().clone();
    let serving = tokio::spawn(listener.serve());
    let (local, remote) = duplex(4_096);
    sender.send(remote).await?;
    let _ = tokio_tungstenite::client_async("ws://x", local).await?;
    let peers = server.peers();
    assert_eq!(peers[0].handshake().remote_addr(), Some(([192, 0, 2, 1], 7).into()));
    server.close();
    serving.await??;
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_served() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("wswrapper-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("desk.sock");
    let listener = Server::builder().service(TestService).listen(tokio::net::UnixListener::bind(&path)?)?;
    let server = listener.server().clone();
    tokio::spawn(listener.serve());
    let stream = tokio::net::UnixStream::connect(&path).await?;
    let _socket = tokio_tungstenite::client_async("ws://localhost/desk", stream).await?;
    let peer = server.peers().remove(0);
    assert_eq!((peer.handshake().path(), peer.handshake().remote_addr()), ("/desk", None));
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_bound_already_is_served() -> Result<(), Box<dyn Error>> {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let listener = Server::builder().service(TestService).listen(socket)?;
    let url = format!("ws://{}", listener.local_addr());
    tokio::spawn(listener.serve());
    let client = Client::connect(&url).await?;
    assert_eq!(TestServiceProxy::new(&client).echo("hello").await?, "hello");
    Ok(())
}

#[tokio::test]
async fn a_stream_whose_handshake_was_performed_elsewhere_is_served() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().service(TestService).build()?;
    let (local, remote) = duplex(4_096);
    let (parts, ()) = http::Request::get("/desk?x=1").body(())?.into_parts();
    let extensions = Extensions::new();
    extensions.insert("Ada");
    let peer = server.accept_upgraded(remote, Handshake::new(&parts, None), extensions)?;
    assert_eq!((peer.handshake().path(), peer.extension()), ("/desk", Some("Ada")));
    let mut socket = WebSocketStream::from_raw_socket(local, Role::Client, None).await;
    socket.send(Message::text(r#"{"a":["echo","hello"],"i":1}"#)).await?;
    assert_eq!(socket.next().await.ok_or("closed")??.into_text()?, r#"{"i":1,"d":"hello"}"#);
    Ok(())
}

#[test]
fn a_head_smaller_than_8_kib_is_an_error_of_the_builder() {
    let build = |size| Server::builder().limits(Limits::default().max_head_size(size)).build();
    assert!(build(8 * 1024).is_ok());
    assert_eq!(build(8 * 1024 - 1).unwrap_err(), MountError::HeadSize(8 * 1024 - 1));
}
