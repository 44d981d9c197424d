//! Calls that were sent, and those that wait.

use super::{DeskProxy, ENDS, End, connected};
use std::error::Error;
use std::sync::atomic::Ordering;
use wswrapper::error::SendError;
use wswrapper::{CallError, Client, Server};
use wswrapper_tests::{SECOND, let_others_run, until};

#[tokio::test(start_paused = true)]
async fn a_sent_call_fails_and_only_an_idempotent_one_is_sent_again() -> Result<(), Box<dyn Error>> {
    for end in ENDS {
        let (client, network, books) = connected(Client::builder()).await?;
        let order = tokio::spawn(DeskProxy::new(&client).order());
        until(|| books.runs.load(Ordering::Relaxed) == 1).await;
        end.of(&client, &network).await?;
        assert!(matches!(order.await?, Err(CallError::Closed(_))), "{end:?}");
        assert_eq!(books.runs.load(Ordering::Relaxed), 1);

        let (client, network, books) = connected(Client::builder()).await?;
        let price = tokio::spawn(DeskProxy::new(&client).price());
        until(|| books.runs.load(Ordering::Relaxed) == 1).await;
        end.of(&client, &network).await?;
        let price = price.await?;
        if end == End::Stop {
            assert!(matches!(price, Err(CallError::Closed(_))), "{price:?}");
        } else {
            assert_eq!(price.ok(), Some(2), "{end:?}");
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn queued_calls_and_events_wait_until_a_stop() -> Result<(), Box<dyn Error>> {
    for end in [End::Restart, End::Stop] {
        let (client, network, books) = connected(Client::builder()).await?;
        books.runs.store(1, Ordering::Relaxed);
        network.lose_server();
        client.closed().await;
        let order = tokio::spawn(DeskProxy::new(&client).order().queue(60 * SECOND));
        let note = tokio::spawn(client.channel("desk").emit("note", ("queued",)).queue(60 * SECOND));
        let_others_run().await;
        match end {
            End::Stop => {
                client.stop(SECOND).await;
                assert!(matches!(order.await?, Err(CallError::NotSent(SendError::Closed(_)))));
                assert!(matches!(note.await?, Err(SendError::Closed(_))));
                assert_eq!((books.runs.load(Ordering::Relaxed), books.log.entries().len()), (1, 0));
            }
            _ => {
                network.set_server(Some(Server::builder().service(books.clone()).build()?));
                client.restart().await?;
                assert_eq!(order.await?.ok(), Some(2));
                note.await??;
                assert_eq!(books.log.has(1).await, ["queued"]);
            }
        }
    }
    Ok(())
}
