//! Prints how much memory streams hold. No time is measured, so criterion is not involved.

#[path = "support/memory.rs"]
mod memory;
mod support;

fn main() {
    let each = memory::bytes_per_idle_stream(10_000);
    println!("10,000 idle streams: {each} bytes each, both endpoints together");
    let (produced, bytes) = memory::stopped_consumer();
    println!(
        "a consumer that stops after 1 item: {produced} items produced, {bytes} bytes held, both endpoints together"
    );
}
