//! What streams keep. Not a matter of time, so it is only printed.

#[path = "support/memory.rs"]
mod memory;
mod support;

fn main() {
    let each = memory::bytes_per_idle_stream(10_000);
    println!("10,000 idle streams: {each} bytes each, both ends together");
    let (produced, bytes) = memory::stopped_consumer();
    println!("a consumer that stops after 1 item: {produced} produced, {bytes} bytes kept at both ends");
}
