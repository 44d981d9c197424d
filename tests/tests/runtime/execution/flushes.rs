//! Flushes of a connection's output.

use std::error::Error;
use std::time::Duration;
use wswrapper::transport::memory;
use wswrapper::{Client, Context, Server};
use wswrapper_tests::ObservedTransport;

#[tokio::test(start_paused = true)]
async fn messages_sent_by_a_handler_need_no_further_flush() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let (local, remote) = memory::pair();
    let (transport, observed) = ObservedTransport::new(remote);
    server.accept_transport(transport)?;
    let client = Client::connect_transport(local)?;
    server.on("sends nothing", || async { 1 })?;
    server.on("emits", |ctx: Context| async move { ctx.peer().emit("e", ()).await.map_or(0, |()| 1) })?;
    server.on("broadcasts", |ctx: Context| async move {
        ctx.broadcast().emit("e", ()).await.map_or(0, |delivery| delivery.sent)
    })?;
    client.on("e", || async {})?;
    for event in ["sends nothing", "emits", "broadcasts"] {
        // Both endpoints become idle.
        tokio::time::sleep(Duration::from_millis(10)).await;
        let before = observed.flushes();
        for _ in 0..10 {
            assert_eq!(client.request::<usize>(event, ()).await?, 1);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(observed.flushes() - before, 10, "{event}: one flush for each request");
    }
    Ok(())
}
