//! Transports, connectors and errors of the program that panic, also when they are dropped.

use std::error::Error;
use std::fmt;
use std::future::pending;
use std::task::{Context, Poll};
use tokio::time::{sleep, timeout};
use wswrapper::client::Reconnect;
use wswrapper::connection::CloseCause;
use wswrapper::error::{ConnectError, OpenError, RebindError};
use wswrapper::transport::memory::{self, Memory};
use wswrapper::transport::{Close, Frame, Output, Transport, TransportError};
use wswrapper::{CallError, Client, Limits, Server};
use wswrapper_tests::network::{Network, opened};
use wswrapper_tests::{Log, RawPeer, SECOND};

/// A value that panics when it is dropped.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a bomb");
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bomb")
    }
}

impl Error for Bomb {}

/// The place at which a transport panics.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Start,
    Frame,
    Drop,
}

struct Faulty {
    inner: Memory,
    at: At,
    _bomb: Option<Bomb>,
}

impl Faulty {
    fn new(inner: Memory, at: At) -> Self {
        Self { inner, at, _bomb: (at == At::Drop).then(|| Bomb) }
    }
}

impl Transport for Faulty {
    fn set_limits(&mut self, limits: &Limits) {
        assert!(self.at != At::Start, "a bad start");
        self.inner.set_limits(limits);
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        let frame = self.inner.poll_frame(cx);
        assert!(self.at != At::Frame || frame.is_pending(), "a bad frame");
        frame
    }

    fn output(&mut self) -> &mut Output {
        self.inner.output()
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.inner.poll_flush(cx)
    }

    fn close(&mut self, close: &Close) {
        self.inner.close(close);
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_is_a_lost_connection() -> Result<(), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let (connect, log) = (network.connector(), Log::default());
    let logged = log.clone();
    let client = Client::builder()
        .reconnect(Reconnect::default())
        .on_close(move |_, closed| {
            logged.add(closed.to_string());
            async {}
        })
        .connect_with(move |attempt| {
            let connecting = connect(attempt);
            async move {
                let (inner, handshake) = connecting.await?;
                Ok((Faulty::new(inner, if attempt == 1 { At::Frame } else { At::Drop }), handshake))
            }
        })
        .await?;
    let call = client.request::<()>("x", ()).await;
    assert!(matches!(&call, Err(CallError::Closed(closed)) if closed.cause == CloseCause::Lost), "{call:?}");
    // The second one panics when it is dropped. It has the number 1, too, because the first one was open.
    network.cut();
    timeout(300 * SECOND, opened(&client, 2)).await?;
    let panicked = "the connection was lost (status 1006): the transport panicked: a bad frame";
    assert_eq!(log.entries()[0], panicked);
    client.stop(SECOND).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_on_a_server_closes_its_connection_alone() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let logged = log.clone();
    let server = Server::builder()
        .on_close(move |_, closed| {
            logged.add(closed.reason);
            async {}
        })
        .build()?;
    for at in [At::Frame, At::Drop] {
        let (near, far) = memory::pair();
        let peer = server.accept_transport(Faulty::new(near, at))?;
        let mut raw = RawPeer::on(far);
        if at == At::Frame {
            raw.send(r#"{"a":["x"]}"#).await;
            assert_eq!(peer.closed().await.cause, CloseCause::Lost);
        } else {
            drop(raw);
            peer.closed().await;
        }
    }
    assert_eq!(log.entries(), ["the transport panicked: a bad frame", "the connection was lost"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_cannot_be_used_does_not_stop_the_client() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().build()?;
    let bound = client.rebind(Faulty::new(memory::pair().0, At::Start)).await;
    let panicked = "the transport panicked: a bad start";
    assert!(
        matches!(&bound, Err(RebindError::Open(OpenError::Closed(closed))) if closed.reason == panicked),
        "{bound:?}"
    );
    let (near, far) = memory::pair();
    client.rebind(near).await?;
    drop(far);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn values_that_panic_when_they_are_dropped_do_not_end_the_client() -> Result<(), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    // A connector, which is replaced.
    let (bomb, connect) = (Bomb, network.connector());
    let client = Client::builder()
        .on_close(|_, _| async {
            // A hook, which is given up.
            let _bomb = Bomb;
            pending::<()>().await;
        })
        .limits(Limits::default().close_timeout(SECOND))
        .connect_with(move |attempt| {
            let _bomb = &bomb;
            connect(attempt)
        })
        .await?;
    client.connect_with(network.connector()).await?;
    client.restart().await?;
    // A transport.
    let (near, far) = memory::pair();
    client.rebind(Faulty::new(near, At::Drop)).await?;
    drop(far);
    client.connect_with(network.connector()).await?;
    assert_eq!(client.peer().epoch(), 5);
    client.stop(SECOND).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_error_that_panics_when_it_is_dropped_does_not_end_the_attempts() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    let connect = network.connector();
    let connect = move |attempt| {
        let connecting = connect(attempt);
        async move { connecting.await.map_err(|_| ConnectError::other(Bomb)) }
    };
    let client = Client::builder().reconnect(Reconnect::default()).connect_with(connect).await?;
    network.lose_server();
    sleep(20 * SECOND).await;
    network.set_server(Some(server));
    timeout(600 * SECOND, opened(&client, 2)).await?;
    Ok(())
}

/// One that another request or a close replaces before it is used.
#[tokio::test(start_paused = true)]
async fn a_transport_that_was_never_used_does_not_end_the_client() -> Result<(), Box<dyn Error>> {
    for closes in [false, true] {
        let network = Network::with(Server::builder().build()?);
        let client = Client::builder().connect_with(network.connector()).await?;
        network.last().stall();
        let first = tokio::spawn({
            let client = client.clone();
            async move { client.rebind(Faulty::new(memory::pair().0, At::Drop)).await }
        });
        tokio::task::yield_now().await;
        if closes {
            client.close(4000, "");
            client.closed().await;
        }
        client.connect_with(network.connector()).await?;
        assert!(first.await?.is_err());
        client.stop(SECOND).await;
    }
    Ok(())
}
