//! Long names and texts that a peer chose: errors and rejections show their beginning.

use std::error::Error;
use wswrapper::{Server, error::ServiceError};
use wswrapper_tests::{Log, RawPeer};

const LONG: usize = 100_000;

fn shown(c: char) -> String {
    format!("{}…", c.to_string().repeat(64))
}

#[tokio::test]
async fn long_names_are_cut_in_rejections() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    server.channel("io").on("known", || async {})?;
    let (mut raw, _) = RawPeer::dial(&server);
    let (event, channel) = ("e".repeat(LONG), "ä".repeat(LONG));
    let (shown_event, shown_channel) = (shown('e'), shown('ä'));
    for (id, frame, expected) in [
        (1, format!(r#""a":["{event}"]"#), format!("No event listener for '{shown_event}'")),
        (2, format!(r#""a":["{event}"],"c":"io""#), format!("No event listener for '{shown_event}' on channel 'io'")),
        (3, format!(r#""a":["x"],"c":"{channel}""#), format!("Channel '{shown_channel}' does not exist")),
        (
            4,
            format!(r#""a":["x"],"c":[{}1]"#, "1,".repeat(LONG)),
            format!("Channel '[{}1…' does not exist", "1,".repeat(31)),
        ),
        (
            5,
            format!(r#""a":["x"],"h":"{channel}""#),
            format!("Anonymous channel '\"{}…' does not exist", "ä".repeat(63)),
        ),
    ] {
        let answer = raw.ask(&format!(r#"{{{frame},"i":{id}}}"#)).await;
        assert_eq!((answer["i"].as_u64(), answer["e"]["message"].as_str()), (Some(id), Some(&*expected)));
    }
    Ok(())
}

#[tokio::test]
async fn names_of_64_characters_are_whole_in_rejections() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let (mut raw, _) = RawPeer::dial(&server);
    let name = "ä".repeat(64);
    let answer = raw.ask(&format!(r#"{{"a":["{name}"],"i":1}}"#)).await;
    assert_eq!(answer["e"]["message"], format!("No event listener for '{name}'"));
    let answer = raw.ask(&format!(r#"{{"a":["x"],"c":"{name}","i":2}}"#)).await;
    assert_eq!(answer["e"]["message"], format!("Channel '{name}' does not exist"));
    Ok(())
}

#[tokio::test]
async fn a_long_text_of_the_caller_is_cut_in_the_rejection_of_an_argument() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    server.on("take", |_: u8| async {})?;
    let (mut raw, _) = RawPeer::dial(&server);
    let answer = raw.ask(&format!(r#"{{"a":["take","{}"],"i":1}}"#, "x".repeat(LONG))).await;
    let begin = r#"invalid type: string ""#;
    let expected = format!("argument 1 of `take`: {begin}{}…", "x".repeat(256 - begin.len()));
    assert_eq!(answer["e"]["message"], expected);
    Ok(())
}

#[tokio::test]
async fn on_error_gets_the_cut_names_of_a_dropped_event() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = Server::builder().on_error({
        let log = log.clone();
        move |_, error| match error {
            ServiceError::EventDropped { event, channel, .. } => {
                log.add(format!("{event} {}", channel.as_deref().unwrap_or_default()));
            }
            other => log.add(other.to_string()),
        }
    });
    let server = server.build()?;
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(&format!(r#"{{"a":["{}"],"c":"{}"}}"#, "e".repeat(LONG), "c".repeat(LONG))).await;
    assert_eq!(log.has(1).await, [format!("{} {}", shown('e'), shown('c'))]);
    Ok(())
}
