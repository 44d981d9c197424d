//! The streams that cut connections in tests.

use super::server;
use futures_util::FutureExt;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use wswrapper::Client;
use wswrapper_tests::cable::{Cable, Chance, Delivery, Direction, Ending, Line, for_each_seed};

const ALL: &[u8] = b"a line of text";

#[tokio::test(start_paused = true)]
async fn bytes_before_a_cut_arrive_and_then_both_directions_end() {
    for (passing, ending) in (0..=ALL.len()).flat_map(|passing| Ending::BOTH.map(|ending| (passing, ending))) {
        for direction in Direction::BOTH {
            let (client, remote, cable) = Cable::lay(Delivery::Whole);
            let (mut writer, mut reader) =
                if direction == Direction::ToServer { (client, remote) } else { (remote, client) };
            // Bytes of the other direction that have passed.
            reader.write_all(b"back").await.expect("the cable is whole");
            cable.cut_after(direction, passing as u64, ending);
            let kind = match ending {
                Ending::Eof => ErrorKind::BrokenPipe,
                Ending::Reset => ErrorKind::ConnectionReset,
            };
            // The writer notices the cut at its next write.
            if passing > 0 {
                writer.write_all(ALL).await.expect("the cable is whole");
            }
            assert!(cable.is_cut());
            assert_eq!(cable.passed(direction), passing as u64);
            for stream in [&mut writer, &mut reader] {
                assert_eq!(stream.write(ALL).await.expect_err("it is cut").kind(), kind);
            }
            for (stream, expected) in [(&mut reader, &ALL[..passing]), (&mut writer, b"back")] {
                let mut bytes = Vec::new();
                let end = stream.read_to_end(&mut bytes).await;
                assert_eq!(bytes, expected);
                assert_eq!(end.err().map(|error| error.kind()), (ending == Ending::Reset).then_some(kind));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_of_two_cuts_counts() {
    let (mut client, mut remote, cable) = Cable::lay(Delivery::Whole);
    cable.cut_after(Direction::ToServer, 5, Ending::Eof);
    cable.cut_after(Direction::ToClient, 2, Ending::Reset);
    client.write_all(b"1234").await.expect("the cable is whole");
    assert!(!cable.is_cut());
    remote.write_all(b"123").await.expect("the cable is whole");
    assert!(cable.is_cut());
    let mut bytes = Vec::new();
    assert_eq!(client.read_to_end(&mut bytes).await.expect_err("it is reset").kind(), ErrorKind::ConnectionReset);
    assert_eq!(bytes, b"12");
}

#[tokio::test(start_paused = true)]
async fn a_stalled_cable_reads_and_writes_nothing_until_its_release() {
    let (mut client, mut remote, cable) = Cable::lay(Delivery::Whole);
    client.write_all(b"before").await.expect("the cable is whole");
    cable.stall();
    let mut bytes = [0; 6];
    assert!(timeout(Duration::from_hours(1), remote.read_exact(&mut bytes)).await.is_err());
    assert!(timeout(Duration::from_hours(1), remote.write(b"back")).await.is_err());
    assert!(timeout(Duration::from_hours(1), client.write(b"later")).await.is_err());
    let reading = tokio::spawn(async move {
        remote.read_exact(&mut bytes).await.expect("the cable is whole");
        (remote, bytes)
    });
    let writing = tokio::spawn(async move {
        client.write_all(b"later").await.expect("the cable is whole");
        client
    });
    tokio::task::yield_now().await;
    assert!(!reading.is_finished() && !writing.is_finished());
    cable.release();
    let (mut remote, read) = reading.await.expect("no panic");
    assert_eq!(&read, b"before");
    let _client = writing.await.expect("no panic");
    let mut rest = [0; 5];
    remote.read_exact(&mut rest).await.expect("the cable is whole");
    assert_eq!(&rest, b"later");
}

#[tokio::test(start_paused = true)]
async fn a_direction_stalls_after_the_bytes_that_may_pass() {
    let (mut client, mut remote, cable) = Cable::lay(Delivery::Whole);
    cable.stall_after(Direction::ToServer, 3);
    let writing = tokio::spawn(async move { client.write_all(b"123456").await.map(|()| client) });
    let mut bytes = [0; 3];
    remote.read_exact(&mut bytes).await.expect("the cable is whole");
    assert_eq!(&bytes, b"123");
    assert!(timeout(Duration::from_hours(1), remote.read_exact(&mut bytes)).await.is_err());
    assert!(!writing.is_finished());
    assert_eq!(cable.passed(Direction::ToServer), 3);
    // The other direction is open, and a cut ends the stall.
    remote.write_all(b"back").await.expect("the cable is whole");
    cable.cut(Ending::Reset);
    let error = writing.await.expect("no panic").expect_err("it is cut");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(remote.read(&mut bytes).await.expect_err("it is cut").kind(), ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_pieces() {
    async fn pieces(seed: u64) -> Vec<Vec<u8>> {
        let (mut client, mut remote, _) = Cable::lay(Delivery::Pieces { seed });
        let writing = tokio::spawn(async move {
            let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
            client.write_all(&bytes).await.expect("the cable is whole");
            client.shutdown().await.expect("a shutdown does not fail");
            // Reading goes on after the writer is gone.
        });
        let mut pieces = Vec::new();
        let mut buffer = [0; 1_000];
        loop {
            match remote.read(&mut buffer).await.expect("the cable is whole") {
                0 => break,
                bytes => pieces.push(buffer[..bytes].to_vec()),
            }
        }
        writing.await.expect("no panic");
        pieces
    }
    let first = pieces(1).await;
    assert!(first.len() > 50, "{} pieces", first.len());
    let expected: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    assert_eq!(first.concat(), expected);
    assert_eq!(first, pieces(1).await);
    assert_ne!(first, pieces(2).await);
}

#[tokio::test(start_paused = true)]
async fn the_writer_of_a_dropped_reader_fails() {
    let (mut client, remote, cable) = Cable::lay(Delivery::Whole);
    client.write_all(ALL).await.expect("the cable is whole");
    drop(remote);
    assert!(cable.is_cut());
    assert_eq!(client.write(ALL).await.expect_err("nobody reads").kind(), ErrorKind::BrokenPipe);
    assert_eq!(client.read(&mut [0; 4]).now_or_never().expect("it is at its end").expect("no error"), 0);
}

#[test]
fn a_client_and_a_server_exchange_the_same_bytes_for_the_same_seed() {
    let bytes = std::sync::Mutex::new(Vec::new());
    for _ in 0..2 {
        for_each_seed(0..20, |mut chance: Chance| {
            let bytes = &bytes;
            async move {
                let server = server();
                server.on("length", |text: String| async move { text.len() }).expect("a valid name");
                let line = Line::to(&server, Delivery::Pieces { seed: chance.next_seed() });
                let connected = line.connect(Client::builder()).await;
                let text = "x".repeat(chance.between(0, 20_000));
                let length: usize = connected.client.request("length", (&text,)).await.expect("an answer");
                assert_eq!(length, text.len());
                let passed = Direction::BOTH.map(|direction| connected.cable.passed(direction));
                bytes.lock().expect("no panic").push((chance.seed(), passed));
            }
        });
    }
    let bytes = bytes.into_inner().expect("no panic");
    let (first, second) = bytes.split_at(bytes.len() / 2);
    assert_eq!(first, second);
}

#[test]
#[should_panic(expected = "1 tasks are left")]
fn a_task_that_a_run_leaves_is_found() {
    for_each_seed(0..1, |_| async {
        tokio::spawn(std::future::pending::<()>());
    });
}
