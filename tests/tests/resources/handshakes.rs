//! Measurements of handshakes that are refused.

use super::one_at_a_time;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use tokio::runtime::Runtime;
use wswrapper::Server;
use wswrapper::server::Refusal;
use wswrapper_tests::websocket::REQUEST;

/// Sends a handshake and reads the response until the server closes the connection.
fn refused(address: SocketAddr, header: &str) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let request = format!("{REQUEST}{header}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut response = [0; 64];
    let length = stream.read(&mut response).expect("the server answers");
    assert!(response[..length].starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&response));
}

/// The server runs on the measured thread, and its clients on another one.
fn by_refused_handshakes(runtime: &Runtime, address: SocketAddr, server: &Server, count: usize) -> i64 {
    let kept = allocation_counter::measure(|| {
        let clients = thread::spawn(move || {
            for n in 0..count {
                refused(address, if n % 2 == 0 { "Origin: https://elsewhere.example" } else { "Cookie: a=b" });
            }
        });
        runtime.block_on(async {
            while !clients.is_finished() {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            // The tasks of the last connections end.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        });
        clients.join().expect("each handshake was refused");
    });
    assert!(server.peers().is_empty());
    kept.bytes_current
}

#[test]
fn refused_handshakes_leave_no_task_and_no_memory() {
    let _guard = one_at_a_time();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let builder = Server::builder()
        .authenticate(|_| async { Err::<(), _>(Refusal::new(http::StatusCode::UNAUTHORIZED).body("log in\n")) });
    let listener = runtime.block_on(builder.bind("127.0.0.1:0")).expect("a port is free");
    let (server, address) = (listener.server().clone(), listener.local_addr());
    runtime.spawn(listener.serve());
    by_refused_handshakes(&runtime, address, &server, 100);
    let tasks = runtime.metrics().num_alive_tasks();
    let kept = by_refused_handshakes(&runtime, address, &server, 10_000);
    println!("{kept} bytes are kept after 10,000 refused handshakes");
    assert_eq!(runtime.metrics().num_alive_tasks(), tasks);
    assert!(kept < 4_096, "{kept} bytes");
}
