//! The rules of streams that no recording covers, one by one.

mod consumers;
mod frames;
mod producers;
mod uploads;

/// The consumer of channel 7 starts.
const START: &str = r#"{"a":["start"],"h":7}"#;
