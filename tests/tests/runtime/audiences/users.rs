//! The connections of users.

use super::{Listener, listeners};
use std::error::Error;
use std::time::{Duration, SystemTime};
use wswrapper::connection::{Extensions, Handshake};
use wswrapper::error::GroupError;
use wswrapper::transport::memory;
use wswrapper::{Client, Context, Server};
use wswrapper_tests::until;

struct Account(u64);

#[tokio::test]
async fn a_handler_reaches_the_other_connections_of_its_user() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    server.on("tell", |ctx: Context, user: String| async move {
        let others = ctx.user(&user).except(ctx.peer());
        others.emit("news", ("one",)).await.map_or(0, |delivery| delivery.sent)
    })?;
    let [a, b, c] = listeners(&server);
    a.peer.set_user("ada")?;
    b.peer.set_user("ada")?;
    c.peer.set_user("bob")?;
    assert_eq!(a.client.request::<usize>("tell", ("ada",)).await?, 1);
    assert_eq!(a.client.request::<usize>("tell", ("bob",)).await?, 1);
    until(|| b.heard() == ["one"] && c.heard() == ["one"]).await;
    assert!(a.heard().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_user_is_all_connections_of_that_user() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let [a, b, c] = listeners(&server);
    a.peer.set_user("ada")?;
    b.peer.set_user("ada")?;
    c.peer.set_user("bob")?;
    let ada = server.user("ada");
    assert_eq!(ada.peers(), [a.peer.clone(), b.peer.clone()]);
    assert_eq!((ada.emit("news", ("one",)).await?.sent, server.status().users), (2, 2));
    until(|| a.heard() == ["one"] && b.heard() == ["one"]).await;
    assert!(c.heard().is_empty());
    // A user and a room may have one name.
    c.peer.join("ada")?;
    assert_eq!((ada.len(), server.room("ada").len()), (2, 1));
    // Another user, nobody, and the end.
    b.peer.set_user("bob")?;
    c.peer.clear_user()?;
    assert_eq!((b.peer.user().as_deref(), c.peer.user()), (Some("bob"), None));
    assert_eq!((ada.len(), server.user("bob").peers()), (1, vec![b.peer.clone()]));
    assert_eq!(ada.close(4001, "signed in elsewhere"), 1);
    assert_eq!(a.client.closed().await.code, 4001);
    a.peer.closed().await;
    assert_eq!((ada.len(), server.status().users), (0, 1));
    assert_eq!(a.peer.user().as_deref(), Some("ada"));
    assert_eq!(a.peer.set_user("ada"), Err(GroupError::Closed));
    assert_eq!(b.peer.set_user(""), Err(GroupError::NameEmpty));
    assert_eq!(b.peer.join(""), Err(GroupError::NameEmpty));
    assert_eq!(b.peer.set_user(&"x".repeat(257)), Err(GroupError::NameTooLong { size: 257 }));
    assert_eq!(b.peer.user().as_deref(), Some("bob"));
    Ok(())
}

#[tokio::test]
async fn the_user_of_a_connection_comes_from_its_authentication() -> Result<(), Box<dyn Error>> {
    let server = Server::builder()
        .user_id(|account: &Account| {
            assert_ne!(account.0, 13, "an unlucky number");
            if account.0 == 257 { "x".repeat(257) } else { account.0.to_string() }
        })
        .on_added(|peer| {
            let is_known = peer.user().is_none_or(|user| peer.audience_of(&user) == 1);
            assert!(is_known, "the user is known when the peer is added");
        })
        .build()?;
    let accept = |account: Option<u64>| {
        let (near, far) = memory::pair();
        let extensions = Extensions::new();
        account.map(|id| extensions.insert(Account(id)));
        let peer = server.accept_transport_with(far, Handshake::default(), extensions)?;
        Ok::<_, Box<dyn Error>>((Client::connect_transport(near)?, peer))
    };
    let (_client, peer) = accept(Some(7))?;
    assert_eq!((peer.user().as_deref(), server.user("7").peers()), (Some("7"), vec![peer.clone()]));
    for unknown in [None, Some(13), Some(257)] {
        let (_client, peer) = accept(unknown)?;
        assert_eq!(peer.user(), None);
        assert!(peer.is_open());
    }
    Ok(())
}

trait AudienceOf {
    fn audience_of(&self, user: &str) -> usize;
}

impl AudienceOf for wswrapper::Peer {
    fn audience_of(&self, user: &str) -> usize {
        self.broadcast().peers().iter().filter(|peer| peer.user().as_deref() == Some(user)).count()
    }
}

#[tokio::test]
async fn the_groups_of_a_client_end_with_each_of_its_connections() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let Listener { client, peer, .. } = Listener::of(&server);
    client.peer().join("home")?;
    client.peer().set_user("server")?;
    peer.close(1000, "");
    client.closed().await;
    assert_eq!(client.peer().room("home").len(), 0);
    let (near, far) = memory::pair();
    server.accept_transport(far)?;
    client.rebind(near).await?;
    assert!(client.peer().rooms().is_empty());
    assert!(client.peer().join("home")?);
    assert_eq!(client.peer().room("home").len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_authentication_with_an_end_names_the_user_of_a_connection_without_one() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let [a, b] = listeners(&server);
    let until = SystemTime::now() + Duration::from_mins(1);
    a.peer.authenticated_until("ada", until);
    b.peer.set_user("bob")?;
    b.peer.authenticated_until("token 7", until);
    assert_eq!((a.peer.user().as_deref(), b.peer.user().as_deref()), (Some("ada"), Some("bob")));
    assert_eq!(server.user("ada").peers(), std::slice::from_ref(&a.peer));
    Ok(())
}
