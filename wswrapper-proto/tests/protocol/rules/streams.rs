//! One test for each rule of streams that no recording covers.

mod consumers;
mod credit;
mod frames;
mod listening;
mod producers;
mod uploads;

/// The frame with which the consumer of channel 7 starts the stream.
const START: &str = r#"{"a":["start"],"h":7}"#;
