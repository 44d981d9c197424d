//! The cause, the status and the reason of a close, as calls and hooks see them.

use std::error::Error;
use std::future::pending;
use std::io;
use std::task::{self, Poll};
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::transport::memory::{self, Memory};
use wswrapper::transport::{Close, Frame, Output, Transport, TransportError};
use wswrapper::{
    AnonymousChannel, CallError, Client, Context, Limits, Server,
    connection::{CloseCause, Closed},
    error::{Reason, Rejection, SendError, ServiceError},
};
use wswrapper_tests::{Log, RawPeer, let_others_run, pair};

const LONG: Duration = Duration::from_hours(1);

/// The operation of a transport that fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Failing {
    Reading,
    Writing,
    Closing,
}

/// A transport of which one operation fails as that of a socket.
struct FailingTransport {
    transport: Memory,
    failing: Failing,
    closed: bool,
}

fn reset() -> io::Error {
    io::Error::from_raw_os_error(104)
}

impl Transport for FailingTransport {
    fn poll_frame(&mut self, cx: &mut task::Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        match self.transport.poll_frame(cx) {
            Poll::Ready(Some(Ok(_))) if self.failing == Failing::Reading => {
                Poll::Ready(Some(Err(TransportError::Io(reset()))))
            }
            polled => polled,
        }
    }

    fn output(&mut self) -> &mut Output {
        self.transport.output()
    }

    fn poll_flush(&mut self, cx: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        let fails = match self.failing {
            Failing::Reading => false,
            Failing::Writing => !self.transport.output().is_empty(),
            Failing::Closing => self.closed,
        };
        if fails { Poll::Ready(Err(reset())) } else { self.transport.poll_flush(cx) }
    }

    fn ping(&mut self, payload: &[u8]) -> bool {
        self.transport.ping(payload)
    }

    fn close(&mut self, close: &Close) {
        self.closed = true;
        self.transport.close(close);
    }
}

/// A client over a transport that fails, and the log of its hooks.
fn failing_client(failing: Failing) -> (Log, RawPeer, Client) {
    let log = Log::default();
    let (errors, closes) = (log.clone(), log.clone());
    let (local, remote) = memory::pair();
    let client = Client::builder()
        .on_error(move |_, error| {
            let ServiceError::Transport { source } = error else { panic!("{error:?}") };
            errors.add(format!("{error} {:?}", source.raw_os_error()));
        })
        .on_close(move |_, closed| {
            closes.add(format!("closed: {closed}"));
            async {}
        });
    let transport = FailingTransport { transport: remote, failing, closed: false };
    (log, RawPeer::on(local), client.connect_transport(transport).expect("nothing to mount"))
}

fn closed_of(call: Result<(), CallError<Rejection>>) -> Closed {
    match call {
        Err(CallError::Closed(closed) | CallError::NotSent(SendError::Closed(closed))) => Closed::clone(&closed),
        other => panic!("{other:?}"),
    }
}

/// The number of the system's error at the end of the sources.
fn os_error(error: &(dyn Error + 'static)) -> Option<i32> {
    match error.source() {
        Some(source) => os_error(source),
        None => error.downcast_ref::<io::Error>()?.raw_os_error(),
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_reading_or_writing_is_reported_before_the_close_and_is_its_source() -> Result<(), Box<dyn Error>> {
    for failing in [Failing::Reading, Failing::Writing] {
        let (log, mut raw, client) = failing_client(failing);
        let call = tokio::spawn(client.request::<()>("x", ()));
        let_others_run().await;
        if failing == Failing::Reading {
            raw.send(r#"{"a":["y"]}"#).await;
        }
        let call = timeout(LONG, call).await??;
        let CallError::Closed(closed) = call.as_ref().expect_err("it is lost") else { panic!("{call:?}") };
        assert_eq!((closed.code, closed.cause), (1006, CloseCause::Lost));
        assert_eq!(closed.reason, "the peer reset the connection");
        assert_eq!(os_error(&**closed), Some(104), "{failing:?}");
        assert_eq!(os_error(call.as_ref().expect_err("it is lost")), Some(104));
        assert_eq!(timeout(LONG, client.closed()).await?, **closed);
        let later = client.emit("x", ()).await.expect_err("it is lost");
        let text = "the connection was lost (status 1006): the peer reset the connection";
        assert_eq!((later.to_string(), os_error(&later)), (format!("the connection is closed: {text}"), Some(104)));
        let failure = "the connection failed: the peer reset the connection Some(104)";
        assert_eq!(log.entries(), [failure.to_owned(), format!("closed: {text}")], "{failing:?}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_error_of_closing_is_reported_before_the_close() -> Result<(), Box<dyn Error>> {
    let (log, _raw, client) = failing_client(Failing::Closing);
    client.peer().close(4000, "done");
    let closed = timeout(LONG, client.peer().closed()).await?;
    assert_eq!((closed.code, closed.cause), (4000, CloseCause::Local));
    let expected = [
        "the connection failed: the peer reset the connection Some(104)",
        "closed: this endpoint closed the connection (status 4000): done",
    ];
    assert_eq!(log.entries(), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn pending_and_later_calls_show_how_each_endpoint_closed() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    pair.server.on("never", pending::<()>)?;
    pair.client.on("never", pending::<()>)?;
    let at_client = tokio::spawn(pair.client.request::<()>("never", ()));
    let at_server = tokio::spawn(pair.peer.request::<()>("never", ()));
    let_others_run().await;
    pair.peer.close(4001, "enough");
    let (local, remote) = (closed_of(timeout(LONG, at_server).await??), closed_of(timeout(LONG, at_client).await??));
    assert_eq!((local.code, &*local.reason, local.cause), (4001, "enough", CloseCause::Local));
    assert_eq!((remote.code, &*remote.reason, remote.cause), (4001, "enough", CloseCause::Remote));
    assert_eq!(closed_of(pair.client.request::<()>("never", ()).await), remote);
    assert_eq!(closed_of(pair.peer.request::<()>("never", ()).await), local);
    Ok(())
}

/// A transport whose peer violates a rule with its first frame.
struct Violating(Memory, u16);

impl Transport for Violating {
    fn poll_frame(&mut self, cx: &mut task::Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        match self.0.poll_frame(cx) {
            Poll::Ready(Some(Ok(Frame::Text(_)))) => {
                Poll::Ready(Some(Err(TransportError::Violation(Close::new(self.1, "a rule")))))
            }
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    fn output(&mut self) -> &mut Output {
        self.0.output()
    }

    fn poll_flush(&mut self, cx: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }

    fn ping(&mut self, payload: &[u8]) -> bool {
        self.0.ping(payload)
    }

    fn close(&mut self, close: &Close) {
        self.0.close(close);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_fail_at_once_after_a_violation_and_show_its_status() -> Result<(), Box<dyn Error>> {
    let causes = [
        (Close::PROTOCOL_ERROR, CloseCause::Violation),
        (Close::INVALID_DATA, CloseCause::Violation),
        (Close::POLICY_VIOLATION, CloseCause::Limit),
        (Close::MESSAGE_TOO_BIG, CloseCause::Limit),
        (Close::TRY_AGAIN_LATER, CloseCause::Limit),
    ];
    for (code, cause) in causes {
        let (local, remote) = memory::pair();
        let client = Client::connect_transport(Violating(remote, code))?;
        let mut raw = RawPeer::on(local);
        let call = tokio::spawn(client.request::<()>("x", ()));
        raw.receive().await;
        raw.send("{}").await;
        let closed = closed_of(timeout(LONG, call).await??);
        assert_eq!((closed.code, &*closed.reason, closed.cause), (code, "a rule", cause));
        // The peer has not answered the close yet.
        assert_eq!(client.close_info(), None);
        assert_eq!(closed_of(client.request::<()>("x", ()).await), closed);
        assert_eq!(timeout(LONG, client.closed()).await?, closed);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_is_named_as_the_cause() -> Result<(), Box<dyn Error>> {
    let (_local, remote) = memory::builder().capacity(100).pair();
    let limits = Limits::default().call_timeout(None);
    let client = Client::builder().limits(limits).connect_transport(remote)?;
    client.emit("x", ("y".repeat(200),)).await?;
    let closed = closed_of(timeout(LONG, client.request::<()>("x", ())).await?);
    assert_eq!((closed.code, closed.cause), (1006, CloseCause::Unread));
    assert_eq!(closed.to_string(), "the peer was disconnected (status 1006): the peer does not read");
    Ok(())
}

#[tokio::test]
async fn an_error_of_a_closed_channel_names_it() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let io = pair.client.channel("io");
    io.close();
    let error = io.emit("x", ()).await.expect_err("it is closed");
    assert_eq!(error.to_string(), "channel `io` is closed");
    pair.server.on("make", |ctx: Context| async move { Ok::<_, Rejection>(ctx.open_channel()) })?;
    let channel = pair.client.request::<AnonymousChannel>("make", ()).await?;
    let mut call = Box::pin(channel.request::<()>("x", ()));
    channel.abort(&Reason::new("enough"));
    let SendError::ChannelClosed { channel: Some(number) } = channel.emit("x", ()).await.expect_err("it is closed")
    else {
        panic!("it has a number");
    };
    let error = (&mut call).await.expect_err("it is closed");
    assert_eq!(error.to_string(), format!("channel `{number}` is closed"));
    assert!(number.parse::<i64>().is_ok(), "{number}");
    Ok(())
}

#[tokio::test]
async fn a_call_on_a_channel_that_is_aborted_shows_the_reason() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    pair.server.on("make", |ctx: Context| async move {
        let channel = ctx.open_channel();
        channel.on("never", pending::<()>)?;
        Ok::<_, Rejection>(channel)
    })?;
    let channel = pair.client.request::<AnonymousChannel>("make", ()).await?;
    let call = tokio::spawn(channel.request::<()>("never", ()));
    let_others_run().await;
    channel.abort(&Reason::new("enough"));
    let error = call.await?.expect_err("it is aborted");
    assert_eq!(error.to_string(), "the channel was closed before an answer came: enough");
    assert!(pair.client.is_open());
    Ok(())
}
