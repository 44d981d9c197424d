//! The rate at which a message must arrive.

use super::GatedService;
use futures_util::{FutureExt, SinkExt, StreamExt};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use wswrapper::{Limits, Peer};

const KIB: usize = 1024;

/// A peer that writes bytes, connected to a server over a stream in memory.
struct SlowPeer {
    socket: WebSocketStream<DuplexStream>,
    service: GatedService,
    peer: Peer,
    began: Instant,
}

impl SlowPeer {
    async fn connect(limits: Limits) -> Self {
        let service = GatedService::new();
        // The peer answers no pings.
        let server = service.serve(limits.heartbeat_interval(None)).build().expect("it can be mounted");
        let (local, remote) = duplex(64 * KIB);
        let (socket, peer) = tokio::join!(client_async("ws://x", local), server.accept(remote));
        let peer = peer.expect("the handshake is valid");
        // The server stays open.
        std::mem::forget(server);
        Self { socket: socket.expect("the server accepts WebSockets").0, service, peer, began: Instant::now() }
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).await.expect("the server reads");
    }

    /// Begins a frame with a payload of `length` bytes, which are masked with zeros.
    async fn begin(&mut self, opcode: u8, length: usize) {
        let header = [&[opcode, 0xff], &(length as u64).to_be_bytes()[..], &[0; 4]].concat();
        self.write(&header).await;
    }

    /// Waits until the second after the connection was opened.
    async fn second(&self, second: u64) {
        sleep_until(self.began + Duration::from_secs(second)).await;
    }

    /// Waits until the server closes, and returns the status and the second.
    async fn closed(&mut self) -> (u16, u64) {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Close(Some(close)))) => {
                    let begun = self.began.elapsed().as_secs();
                    assert_eq!(close.reason.as_str(), "the message arrives at less than 16384 bytes per second");
                    return (close.code.into(), begun);
                }
                Some(Ok(_)) => {}
                other => panic!("expected a close frame, got {other:?}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_stays_incomplete_closes_the_connection_after_ten_seconds() {
    for (opcode, length) in [(0x81, 4 << 20), (0x82, 2), (0x01, 100)] {
        let mut slow = SlowPeer::connect(Limits::default()).await;
        slow.second(20).await;
        assert!(slow.peer.is_open(), "nothing has begun");
        slow.begin(opcode, length).await;
        slow.write(b"x").await;
        assert_eq!(slow.closed().await, (1008, 30));
        drop(slow.socket);
        assert_eq!(slow.peer.closed().await.code, 1008);
    }
}

#[tokio::test(start_paused = true)]
async fn one_byte_of_a_header_is_a_message_that_has_begun() {
    for byte in [0x81, 0x89] {
        let mut slow = SlowPeer::connect(Limits::default()).await;
        slow.write(&[byte]).await;
        assert_eq!(slow.closed().await, (1008, 10));
    }
}

#[tokio::test(start_paused = true)]
async fn fragments_without_an_end_close_the_connection_although_pings_arrive() {
    let mut slow = SlowPeer::connect(Limits::default()).await;
    slow.write(&[0x01, 0x81, 0, 0, 0, 0, b'x']).await;
    for second in 1..10 {
        slow.second(second).await;
        slow.write(&[0x00, 0x81, 0, 0, 0, 0, b'x']).await;
        slow.socket.send(Message::Ping("x".repeat(125).into())).await.expect("it is open");
    }
    assert_eq!(slow.closed().await, (1008, 10));
}

#[tokio::test(start_paused = true)]
async fn a_message_at_a_steady_rate_is_read_and_one_below_it_closes_the_connection() {
    let length = 2 << 20;
    for (rate, expected) in [(17 * KIB, None), (15 * KIB, Some((1008, 10)))] {
        let mut slow = SlowPeer::connect(Limits::default()).await;
        let prefix = r#"{"a":["length",""#;
        let suffix = r#""],"i":1}"#;
        slow.begin(0x81, prefix.len() + length + suffix.len()).await;
        slow.write(prefix.as_bytes()).await;
        let mut left = length;
        let mut closed = None;
        while left > 0 && closed.is_none() {
            let part = left.min(rate / 4);
            slow.write(&vec![b'x'; part]).await;
            left -= part;
            sleep(Duration::from_millis(250)).await;
            closed = slow.closed().now_or_never();
        }
        assert_eq!(closed, expected);
        if closed.is_none() {
            slow.write(suffix.as_bytes()).await;
            let answer = slow.socket.next().await.expect("it is open").expect("no error");
            assert_eq!(answer, Message::text(format!(r#"{{"i":1,"d":{length}}}"#)));
            assert!(slow.began.elapsed() > Duration::from_secs(100));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_came_early_pay_for_a_later_pause() {
    let mut slow = SlowPeer::connect(Limits::default()).await;
    slow.begin(0x81, 4 << 20).await;
    // Enough for 64 seconds.
    slow.write(&vec![b'x'; 1 << 20]).await;
    assert_eq!(slow.closed().await, (1008, 64));
}

#[tokio::test(start_paused = true)]
async fn each_message_has_its_own_time() {
    let mut slow = SlowPeer::connect(Limits::default()).await;
    // Another message is incomplete whenever the server has read everything.
    slow.write(&[0x81]).await;
    for second in (9..60).step_by(9) {
        slow.second(second).await;
        assert!(slow.peer.is_open());
        slow.write(&[0x81, 0, 0, 0, 0, b'x', 0x81]).await;
    }
    slow.second(62).await;
    assert!(slow.peer.is_open());
    slow.write(&[0x80, 0, 0, 0, 0]).await;
    slow.second(1_000).await;
    assert!(slow.peer.is_open(), "no message has begun");
}

#[tokio::test(start_paused = true)]
async fn a_message_is_not_slow_while_the_server_does_not_read() {
    let limits = Limits::default().max_handlers_in_flight(1).max_held_bytes(1);
    let mut slow = SlowPeer::connect(limits).await;
    let call = |n: u8| Message::text(format!(r#"{{"a":["wait",{n}],"i":{n}}}"#));
    slow.socket.send(call(1)).await.expect("it is open");
    slow.service.running.becomes(1).await;
    slow.second(5).await;
    // The last part begins a message that the server cannot read, because the second call fills its backlog.
    slow.socket.send(call(2)).await.expect("it is open");
    slow.begin(0x81, 100).await;
    slow.second(60).await;
    assert!(slow.peer.is_open());
    slow.service.gate.add_permits(2);
    assert_eq!(slow.closed().await.0, 1008);
    assert_eq!(slow.began.elapsed().as_secs(), 70);
}

#[tokio::test(start_paused = true)]
async fn a_rate_of_zero_is_no_limit() {
    let mut slow = SlowPeer::connect(Limits::default().min_message_rate(0)).await;
    slow.begin(0x81, 100).await;
    slow.second(10_000).await;
    assert!(slow.peer.is_open());
}
