//! What waits for the first connection, if that is lost while its `on_open` hook runs.

use std::error::Error;
use tokio::time::{sleep, timeout};
use wswrapper::client::Reconnect;
use wswrapper::{Client, Server};
use wswrapper_tests::network::{Network, opened};
use wswrapper_tests::{Log, SECOND, let_others_run};

#[tokio::test(start_paused = true)]
async fn it_goes_on_waiting_until_a_hook_has_returned() -> Result<(), Box<dyn Error>> {
    for restarts in [false, true] {
        let (server, log) = (Server::builder().build()?, Log::default());
        server.on("note", log.handler())?;
        server.on("login", || sleep(5 * SECOND))?;
        let network = Network::with(server);
        let client = Client::builder()
            .reconnect(Reconnect::default().first_connect(true))
            .on_open(|peer| async move { peer.request::<()>("login", ()).await })
            .build()?;
        client.emit("note", ("event",)).await?;
        let call = tokio::spawn(client.request::<()>("note", ("call",)));
        let_others_run().await;
        let connecting = tokio::spawn({
            let (client, connector) = (client.clone(), network.connector());
            async move { client.connect_with(connector).await }
        });
        sleep(SECOND).await;
        if restarts {
            client.restart().await?;
        } else {
            network.cut();
        }
        timeout(300 * SECOND, opened(&client, 2)).await?;
        call.await??;
        assert_eq!(log.entries(), ["event", "call"]);
        assert_eq!(connecting.await?.is_err(), restarts);
    }
    Ok(())
}

/// After the first connection was open, nothing waits without `queue`.
#[tokio::test(start_paused = true)]
async fn what_has_found_no_capacity_fails_with_an_open_connection() -> Result<(), Box<dyn Error>> {
    use wswrapper::transport::memory;
    use wswrapper::{Limits, error::SendError};
    let client = Client::builder().limits(Limits::default().max_calls_in_flight(1)).build()?;
    let calls: Vec<_> = (0..2).map(|n| tokio::spawn(client.request::<()>("x", (n,)).wait_for_capacity())).collect();
    let_others_run().await;
    let (near, far) = memory::pair();
    client.rebind(near).await?;
    let_others_run().await;
    drop(far);
    client.closed().await;
    let mut errors = Vec::new();
    for call in calls {
        errors.push(call.await?.expect_err("it is lost"));
    }
    assert!(matches!(errors[0], wswrapper::CallError::Closed(_)), "{errors:?}");
    assert!(matches!(errors[1], wswrapper::CallError::NotSent(SendError::Closed(_))), "{errors:?}");
    Ok(())
}
