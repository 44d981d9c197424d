//! Services of the client, their handlers, and extensions.

use super::{ENDS, End};
use std::error::Error;
use wswrapper::client::Reconnect;
use wswrapper::{CallError, Client, Peer, Server, ws_handlers};
use wswrapper_tests::network::{Network, only_peer};
use wswrapper_tests::{Alive, Guard, Log, until};

/// A service of the client.
struct Ask {
    epoch: u64,
    log: Log,
    alive: Alive,
    _guard: Guard,
}

#[ws_handlers]
impl Ask {
    pub async fn wait(&self) {
        self.log.add(format!("wait on {}", self.epoch));
        let _guard = self.alive.guard();
        std::future::pending::<()>().await;
    }

    pub async fn epoch(&self) -> u64 {
        self.epoch
    }
}

#[tokio::test(start_paused = true)]
async fn handlers_services_and_extensions_end_with_their_connection() -> Result<(), Box<dyn Error>> {
    for end in ENDS {
        let (log, alive) = (Log::default(), Alive::default());
        let (logged, counted) = (log.clone(), alive.clone());
        let make = move |peer: &Peer| Ask {
            epoch: peer.epoch(),
            log: logged.clone(),
            alive: counted.clone(),
            _guard: counted.guard(),
        };
        let closing = Log::default();
        let seen = closing.clone();
        let on_close = move |peer: Peer, _| {
            seen.add(peer.extension::<u32>().map_or_else(|| "none".to_owned(), |n| n.to_string()));
            async {}
        };
        let server = Server::builder().build()?;
        let network = Network::with(server.clone());
        let builder = Client::builder().service_with(make).on_close(on_close).reconnect(Reconnect::default());
        let client = builder.connect_with(network.connector()).await?;
        client.peer().extensions().insert(7_u32);
        client.extensions().insert(8_u32);
        let peer = only_peer(&server);
        let asked = tokio::spawn(peer.request::<()>("wait", ()));
        assert_eq!(log.has(1).await, ["wait on 1"]);
        end.of(&client, &network).await?;
        assert!(matches!(asked.await?, Err(CallError::Closed(_))), "{end:?}");
        assert_eq!((closing.entries(), client.peer().extension::<u32>()), (vec!["7".to_owned()], None));
        assert_eq!(client.extensions().cloned::<u32>(), Some(8));
        if end != End::Stop {
            until(|| server.peers().len() == 1).await;
            assert_eq!(only_peer(&server).request::<u64>("epoch", ()).await?, 2);
        }
        // The handler and the service of the first connection were dropped.
        alive.becomes(usize::from(end != End::Stop)).await;
    }
    Ok(())
}
