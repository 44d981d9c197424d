//! What is left of a presence when its peers, its server or its handles are gone.

use super::{Visitor, told};
use std::error::Error;
use std::sync::Arc;
use wswrapper::Server;
use wswrapper::server::Presence;
use wswrapper_tests::{Alive, Guard, SECOND, tasks, until};

#[tokio::test(start_paused = true)]
async fn nothing_is_left_after_the_server_is_dropped() -> Result<(), Box<dyn Error>> {
    let before = tasks();
    let server = Server::builder().build()?;
    let tea = Presence::new("tea");
    let mut changes = tea.changes();
    let visitors: Vec<_> = (0..10).map(|n| Visitor::of_user(&server, &format!("{}", n % 5))).collect();
    for (n, visitor) in visitors.iter().enumerate() {
        tea.join(&visitor.peer, n)?;
    }
    assert_eq!(told(&mut changes).len(), 1);
    let weak = visitors[0].peer.clone();
    drop(server);
    for visitor in visitors {
        visitor.peer.closed().await;
    }
    until(|| tasks() == before).await;
    assert_eq!(weak.join("tea"), Err(wswrapper::error::GroupError::Closed));
    // The presence outlives its server, and needs no task for the leaves.
    assert_eq!(tea.len(), 5);
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!((tea.len(), told(&mut changes).len(), tasks()), (0, 5, before));
    Ok(())
}

/// Metadata that is counted.
#[derive(Clone)]
struct Meta(#[expect(dead_code, reason = "it is dropped")] Arc<Guard>);

impl PartialEq for Meta {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn peers_do_not_keep_a_presence_and_a_presence_does_not_keep_peers() -> Result<(), Box<dyn Error>> {
    struct Kept(#[expect(dead_code, reason = "it is dropped")] Guard);
    let (metas, connections) = (Alive::default(), Alive::default());
    let server = Server::builder().build()?;
    let tea = Presence::new("tea");
    let visitor = Visitor::of_user(&server, "ada");
    // Extensions are freed when the connection is.
    visitor.peer.extensions().insert(Kept(connections.guard()));
    tea.join(&visitor.peer, Meta(Arc::new(metas.guard())))?;
    drop(tea);
    assert_eq!(metas.count(), 0, "the peer is still in the room");
    // The name is free for another presence.
    let tea = Presence::new("tea");
    tea.join(&visitor.peer, Meta(Arc::new(metas.guard())))?;
    visitor.close().await;
    until(|| connections.count() == 0).await;
    assert_eq!(metas.count(), 1);
    tokio::time::sleep(5 * SECOND).await;
    assert!(tea.is_empty());
    assert_eq!(metas.count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_presence_in_a_service_ends_with_the_server() -> Result<(), Box<dyn Error>> {
    let metas = Alive::default();
    let tea = Presence::new("tea");
    let server = Server::builder().build()?;
    let keeper = tea.clone();
    server.on("size", move || {
        let size = keeper.len();
        async move { size }
    })?;
    let visitor = Visitor::of_user(&server, "ada");
    tea.join(&visitor.peer, Meta(Arc::new(metas.guard())))?;
    drop(tea);
    assert_eq!(visitor.client.request::<usize>("size", ()).await?, 1);
    server.close();
    server.closed().await;
    drop((server, visitor));
    until(|| metas.count() == 0).await;
    Ok(())
}
