//! The memory that a connection keeps after a large message.

use crate::one_at_a_time;
use std::iter::repeat_n;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::sleep;
use wswrapper::Server;
use wswrapper_tests::websocket::websocket;

/// Returns the frames of a message, masked with zeros.
fn frames(text: &str, fragments: usize) -> Vec<u8> {
    let mut frames = Vec::new();
    let parts: Vec<_> = text.as_bytes().chunks(text.len().div_ceil(fragments)).collect();
    for (index, part) in parts.iter().enumerate() {
        let opcode = u8::from(index == 0);
        let last = if index + 1 == parts.len() { 0x80 } else { 0 };
        frames.extend([opcode | last, 0xff]);
        frames.extend((part.len() as u64).to_be_bytes());
        frames.extend([0; 4]);
        frames.extend_from_slice(part);
    }
    frames
}

/// A request and its response, as bytes of a socket.
struct Exchange {
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Exchange {
    /// Asks for an echo of `size` bytes.
    fn new(size: usize, fragments: usize) -> Self {
        let text: String = repeat_n('x', size).collect();
        let request = frames(&format!(r#"{{"a":["echo","{text}"],"i":1}}"#), fragments);
        let answer = format!(r#"{{"i":1,"d":"{text}"}}"#);
        let header = match answer.len() {
            0..126 => 2,
            126..0x1_0000 => 4,
            _ => 10,
        };
        Self { request, response: vec![0; header + answer.len()] }
    }

    async fn run(&mut self, stream: &mut TcpStream) {
        let (mut reader, mut writer) = stream.split();
        let (written, read) = tokio::join!(writer.write_all(&self.request), reader.read_exact(&mut self.response));
        written.expect("the server reads");
        read.expect("the server responds");
        assert!(self.response.ends_with(b"\"}"));
    }
}

#[test]
fn a_connection_frees_the_buffers_of_a_large_message_within_a_second() {
    let _alone = one_at_a_time();
    let runtime = Builder::new_current_thread().enable_all().build().expect("the runtime can be built");
    let address = runtime.block_on(async {
        let listener = Server::builder().bind("127.0.0.1:0").await.expect("a port is free");
        listener.server().on("echo", |text: String| async move { text }).expect("a valid name");
        let address = listener.local_addr();
        tokio::spawn(listener.serve());
        address
    });
    let mut small = Exchange::new(10, 1);
    for (size, fragments) in [(1 << 20, 1), (1 << 20, 7), (1 << 20, 10_000), (100_000, 1), (16_384, 1), (5_000, 1)] {
        let mut large = Exchange::new(size, fragments);
        let mut stream = runtime.block_on(async {
            // The buffers that all connections of a thread share grow before the measurement.
            let mut other = websocket(address).await.into_inner();
            large.run(&mut other).await;
            drop(other);
            let mut stream = websocket(address).await.into_inner();
            small.run(&mut stream).await;
            // The tasks of closed connections finish.
            sleep(Duration::from_millis(100)).await;
            stream
        });
        let kept = allocation_counter::measure(|| {
            runtime.block_on(async {
                large.run(&mut stream).await;
                sleep(Duration::from_secs(1)).await;
            });
        });
        println!("after {size} bytes in {fragments} fragments: {} bytes are kept", kept.bytes_current);
        assert!(kept.bytes_current <= 1_024);
    }
}
