//! The sizes of messages that the surface example takes.

use crate::surface::surface;
use wswrapper::{Client, Limits};

#[tokio::test]
async fn the_surface_takes_messages_of_16_mib_and_no_larger_ones() {
    const MAX_SIZE: usize = 16 << 20;
    let (_surface, url) = surface().await;
    let limits = Limits::default().max_message_size(MAX_SIZE).max_outgoing_message_size(2 * MAX_SIZE);
    let client = Client::builder().limits(limits).connect(&url).await.expect("the example listens");
    let overhead = r#"{"a":["echo",""],"i":268435457}"#.len();
    let text = "x".repeat(MAX_SIZE - overhead);
    let answer = client.request::<String>("echo", (&text,)).await.expect("it is not too large");
    assert!(answer == text, "another text of {} bytes came back", answer.len());
    client.request::<()>("echo", (text + "x",)).await.expect_err("it is too large");
    assert_eq!(client.closed().await.code, 1009);
}
