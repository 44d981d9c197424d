//! Clients without a policy, whose program opens the next connection.

use std::error::Error;
use tokio::time::{sleep, timeout};
use wswrapper::client::Reconnect;
use wswrapper::stream::{History, Seam, StreamEvent};
use wswrapper::{Client, Server, Stream, Upload, ws_handlers, ws_service};
use wswrapper_tests::network::Network;
use wswrapper_tests::{SECOND, let_others_run};

#[ws_service(channel = "store")]
trait Store {
    async fn ticks(&self) -> impl Stream<Item = u64> + Send;
    #[ws(idempotent)]
    async fn price(&self) -> u64;
    async fn put(&self, items: Upload<u64>) -> u64;
}

struct Shelf(History<u64>);

#[ws_handlers]
impl Store for Shelf {
    async fn ticks(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream()
    }

    async fn price(&self) -> u64 {
        sleep(2 * SECOND).await;
        7
    }

    async fn put(&self, mut items: Upload<u64>) -> u64 {
        let mut count = 0;
        while let Some(Ok(_)) = items.next().await {
            count += 1;
        }
        count
    }
}

#[tokio::test(start_paused = true)]
async fn idempotent_calls_and_resumable_streams_survive_a_restart_and_a_rebind() -> Result<(), Box<dyn Error>> {
    for (restarts, has_policy) in [(true, true), (false, true), (true, false), (false, false)] {
        let history = History::new();
        let network = Network::with(Server::builder().service(Shelf(history.clone())).build()?);
        let mut builder = Client::builder().on_close(|_, _| sleep(SECOND));
        if has_policy {
            builder = builder.reconnect(Reconnect::default());
        }
        let client = builder.connect_with(network.connector()).await?;
        let store = StoreProxy::new(&client);
        let mut ticks = store.ticks().resumable().await?;
        assert!(timeout(SECOND, ticks.next()).await.is_err());
        history.push(1);
        ticks.next().await;
        let price = tokio::spawn(store.price());
        let next = tokio::spawn(async move { ticks.next().await });
        sleep(SECOND).await;
        if restarts {
            client.restart().await?;
        } else {
            let (near, _) = network.connector()(1).await?;
            client.rebind(near).await?;
        }
        sleep(SECOND).await;
        history.push(2);
        let event = next.await?;
        assert!(matches!(event, Some(Ok(StreamEvent::Seam(Seam::Resumed)))), "{restarts} {has_policy}: {event:?}");
        assert_eq!(price.await??, 7);
    }
    Ok(())
}

/// Its handler has started, so the call is not one that was not sent.
#[tokio::test(start_paused = true)]
async fn an_upload_that_is_interrupted_fails_as_closed() -> Result<(), Box<dyn Error>> {
    for closes in [true, false] {
        let network = Network::with(Server::builder().service(Shelf(History::new())).build()?);
        let client = Client::builder().connect_with(network.connector()).await?;
        let items = futures_util::stream::unfold(0, |n| async move {
            sleep(SECOND / 10).await;
            Some((n, n + 1))
        });
        let put = tokio::spawn(StoreProxy::new(&client).put(items));
        sleep(SECOND).await;
        if closes {
            client.close(4000, "");
        } else {
            network.cut();
        }
        let error = put.await?.expect_err("it is interrupted");
        assert!(matches!(error, wswrapper::CallError::Closed(_)), "{error:?}");
        let_others_run().await;
    }
    Ok(())
}
