//! Events that wait, and those that a pause holds.

use super::{DeskProxy, ENDS, End, connected};
use futures_util::FutureExt;
use std::error::Error;
use wswrapper::error::SendError;
use wswrapper::{Client, Server};
use wswrapper_tests::network::{only_peer, opened};
use wswrapper_tests::{Log, SECOND, let_others_run, until};

#[tokio::test(start_paused = true)]
async fn events_are_lost_with_a_connection_and_written_before_a_close() -> Result<(), Box<dyn Error>> {
    for end in ENDS {
        let (client, network, books) = connected(Client::builder()).await?;
        let desk = DeskProxy::new(&client);
        if end == End::Loss {
            // Nobody has written them when the network fails.
            desk.note("plain").await?;
            network.cut();
            let flushed = client.flush().await;
            assert!(matches!(flushed, Err(SendError::Closed(_))), "{flushed:?}");
            opened(&client, 2).await;
            assert_eq!(books.log.entries().len(), 0);
            // One that may wait has not left the client's queue yet, and goes to the next connection.
            let mut queued = Box::pin(client.channel("desk").emit("note", ("queued",)).queue(SECOND));
            assert!((&mut queued).now_or_never().is_none());
            network.cut();
            queued.await?;
            assert_eq!((client.peer().epoch(), books.log.has(1).await), (3, vec!["queued".to_owned()]));
            continue;
        }
        let mut queued = Box::pin(client.channel("desk").emit("note", ("queued",)).queue(SECOND));
        for n in 0..100 {
            desk.note(n.to_string()).await?;
        }
        assert!((&mut queued).now_or_never().is_none());
        end.of(&client, &network).await?;
        queued.await?;
        let noted = books.log.has(101).await;
        assert_eq!((noted[0].as_str(), noted[100].as_str(), noted.len()), ("0", "queued", 101), "{end:?}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn held_events_are_dropped_with_their_connection() -> Result<(), Box<dyn Error>> {
    for end in [End::Loss, End::Restart] {
        let (client, network, _) = connected(Client::builder()).await?;
        let server = Server::builder().build()?;
        network.set_server(Some(server.clone()));
        client.restart().await?;
        let log = Log::default();
        client.on("note", log.handler())?;
        let pause = client.pause();
        only_peer(&server).emit("note", ("held",)).await?;
        let_others_run().await;
        end.of(&client, &network).await?;
        drop(pause);
        until(|| server.peers().len() == 1).await;
        only_peer(&server).emit("note", ("of the next connection",)).await?;
        assert_eq!(log.has(1).await, ["of the next connection"], "{end:?}");
    }
    Ok(())
}
