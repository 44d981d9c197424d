//! The rules of streams that no recording covers, one by one.

mod bare;
#[path = "stream_rules/consumers.rs"]
mod consumers;
#[path = "stream_rules/frames.rs"]
mod frames;
mod outgoing;
#[path = "stream_rules/producers.rs"]
mod producers;
#[path = "stream_rules/uploads.rs"]
mod uploads;

/// The consumer of channel 7 starts.
const START: &str = r#"{"a":["start"],"h":7}"#;
