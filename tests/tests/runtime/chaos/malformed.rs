//! Malformed messages and WebSocket frames.

use super::websocket_frames::{FIRST, LAST, NEXT, PING, PONG, TEXT, frame};
use super::{ChaosProxy, TaskBaseline, chaos_server, serve};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use wswrapper::{CallError, Client, Limits};
use wswrapper_tests::RawPeer;
use wswrapper_tests::websocket::websocket;

#[tokio::test]
async fn garbage_in_a_valid_frame_is_ignored_or_rejected_and_the_connection_stays_open() {
    let baseline = TaskBaseline::now();
    let (service, builder) = chaos_server();
    let server = builder.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    let deep = |bracket: &str| bracket.repeat(100_000);
    let balanced = |opened: &str, closed: &str| format!("{}1{}", deep(opened), deep(closed));
    let lists = balanced("[", "]");
    let objects = balanced(r#"{"a":"#, "}");
    let mut frames = vec![
        String::new(),
        " ".repeat(100_000),
        "\u{feff}{}".to_owned(),
        "nonsense".to_owned(),
        "{".to_owned(),
        "\0".repeat(1_000),
        "1".repeat(100_000),
        format!("{{\"a\":[\"{}", "x".repeat(100_000)),
        deep("["),
        deep("{"),
        deep("]"),
        deep("[{\"a\":"),
        lists.clone(),
        objects.clone(),
    ];
    for value in [&lists, &objects, &deep("["), &deep(r#"{"a":"#)] {
        frames.extend([
            format!(r#"{{"a":["note",{value}]}}"#),
            format!(r#"{{"a":{value}}}"#),
            format!(r#"{{"a":["echo",1],"i":{value}}}"#),
            format!(r#"{{"x":{value},"i":1}}"#),
            format!(r#"{{"d":{value},"i":536870913}}"#),
            format!(r#"{{"e":{value},"i":536870913,"_":1}}"#),
            format!(r#"{{"unknown":{value}}}"#),
            format!(r#"{{"h":{value},"x":1}}"#),
        ]);
    }
    for frame in &frames {
        raw.send(frame).await;
    }
    // Requests whose argument is nested too deeply.
    for request in [
        format!(r#"{{"a":["echo",{lists}],"i":7}}"#),
        format!(r#"{{"a":["echo",{objects}],"i":7}}"#),
        format!(r#"{{"a":["sleep",{lists}],"i":7}}"#),
        format!(r#"{{"a":["nobody",{lists}],"i":7}}"#),
    ] {
        raw.send(&request).await;
    }
    // Other tests show which frames are rejected and which are ignored. Here only rejections may precede this response.
    raw.send(r#"{"a":["echo","after"],"i":8}"#).await;
    loop {
        let answer = raw.receive().await;
        if answer["i"] == 8 {
            assert_eq!(answer, json!({"i": 8, "d": "after"}));
            break;
        }
        assert!(answer["e"]["message"].is_string(), "{answer}");
    }
    assert!(peer.is_open());
    drop(raw);
    baseline.is_restored(&server, &service).await;
}

#[tokio::test]
async fn a_too_deeply_nested_response_fails_only_its_call() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    for key in ["d", "e"] {
        for value in
            ["[".repeat(100_000) + &"]".repeat(100_000), r#"{"a":"#.repeat(100_000) + "1" + &"}".repeat(100_000)]
        {
            let call = tokio::spawn({
                let proxy = ChaosProxy::new(&client);
                async move { proxy.echo(Value::Null).await }
            });
            let id = raw.receive().await["i"].clone();
            raw.send(&format!(r#"{{"i":{id},"{key}":{value}}}"#)).await;
            let error = call.await.expect("no panic").expect_err("it is nested too deeply");
            assert!(matches!((key, &error), ("d", CallError::Decode(_)) | ("e", CallError::Rejected(_))), "{error:?}");
        }
    }
    assert_eq!(client.calls_in_flight(), 0);
    let call = tokio::spawn(async move { ChaosProxy::new(&client).echo(Value::Null).await });
    let id = raw.receive().await["i"].clone();
    raw.send(&format!(r#"{{"i":{id},"d":1}}"#)).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), 1);
}

#[tokio::test]
async fn a_message_in_one_byte_fragments_between_control_frames_is_reassembled() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits::default()).await;
    let mut websocket = websocket(running.address).await;
    let text = format!(r#"{{"a":["echo","{}"],"i":1}}"#, "ä".repeat(1_000));
    let mut bytes = Vec::new();
    // One byte for each fragment, so that characters are split, too.
    for (n, byte) in text.bytes().enumerate() {
        let first = if n == 0 { FIRST } else { NEXT };
        bytes.extend(frame(first, &[byte]));
        if n % 10 == 0 {
            bytes.extend(frame(PING, b"there?"));
            bytes.extend(frame(PONG, b"unasked"));
        }
    }
    bytes.extend(frame(LAST, b""));
    websocket.get_mut().write_all(&bytes).await?;
    loop {
        match websocket.next().await.ok_or("the connection was closed")?? {
            Message::Pong(pong) => assert_eq!(pong, b"there?".as_slice()),
            Message::Text(answer) => {
                assert_eq!(answer.as_str(), format!(r#"{{"i":1,"d":"{}"}}"#, "ä".repeat(1_000)));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    drop(websocket);
    running.shut_down_cleanly().await;
    Ok(())
}

#[tokio::test]
async fn websocket_protocol_violations_close_the_connection_with_their_status() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits::default().max_message_size(1_000)).await;
    let neighbour = running.client().await;
    let unmasked = b"\x81\x02{}".to_vec();
    let longest = [b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0".as_slice(), &[b' '; 100]].concat();
    let never_ending = [frame(FIRST, &[b' '; 600]), frame(NEXT, &[b' '; 600])].concat();
    for (violation, bytes, code) in [
        ("a frame that is not masked", unmasked, 1002),
        ("a frame of 2^63-1 bytes", longest, 1009),
        ("fragments beyond the limit", never_ending, 1009),
        ("a reserved bit", frame(0xc1, b"{}"), 1002),
        ("a reserved kind", frame(0x83, b"{}"), 1002),
        ("a reserved kind of control frame", frame(0x8b, b""), 1002),
        ("a ping in fragments", frame(0x09, b"x"), 1002),
        ("a ping of 126 bytes", frame(PING, &[b'x'; 126]), 1002),
        ("a continuation of nothing", frame(LAST, b"{}"), 1002),
        ("a text within a text", [frame(FIRST, b"{"), frame(TEXT, b"}")].concat(), 1002),
        ("a text that is not UTF-8", frame(TEXT, b"{\"a\":\"\xff\"}"), 1007),
        ("a text that ends within a character", frame(TEXT, b"\xc3"), 1007),
        ("fragments that are not UTF-8 together", [frame(FIRST, b"\xc3"), frame(LAST, b"\x28")].concat(), 1007),
        ("a surrogate in UTF-8", frame(TEXT, b"\xed\xa0\x80"), 1007),
        ("a close frame of one byte", frame(0x88, b"x"), 1002),
        ("a close frame with a status that cannot be sent", frame(0x88, &1005_u16.to_be_bytes()), 1002),
        ("a close frame whose reason is not UTF-8", frame(0x88, b"\x03\xe8\xff"), 1007),
    ] {
        let mut websocket = websocket(running.address).await;
        websocket.get_mut().write_all(&bytes).await?;
        match websocket.next().await {
            Some(Ok(Message::Close(Some(close)))) => {
                assert_eq!(u16::from(close.code), code, "{violation}: {}", close.reason);
            }
            other => panic!("{violation}: expected {code}, got {other:?}"),
        }
    }
    assert_eq!(ChaosProxy::new(&neighbour).echo(json!(1)).await?, 1);
    drop(neighbour);
    running.shut_down_cleanly().await;
    Ok(())
}

#[tokio::test]
async fn a_hundred_peers_that_send_noise_close_only_their_own_connections() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits::default().handshake_timeout(Duration::from_secs(2))).await;
    let neighbour = running.client().await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    for n in 0..100 {
        let bytes: Vec<u8> = (0..500).flat_map(|_| noise()).collect();
        let mut socket = if n % 2 == 0 {
            websocket(running.address).await.into_inner()
        } else {
            TcpStream::connect(running.address).await?
        };
        // The connection may be closed before everything is written.
        let _ = socket.write_all(&bytes).await;
        let _ = socket.shutdown().await;
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut rest)).await?;
        assert_eq!(ChaosProxy::new(&neighbour).echo(json!(n)).await?, n);
    }
    drop(neighbour);
    running.shut_down_cleanly().await;
    Ok(())
}
