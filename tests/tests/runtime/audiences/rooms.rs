//! Rooms: joining, leaving, selections of several, and their limits.

use super::{Listener, listeners};
use std::error::Error;
use std::sync::{Arc, Mutex};
use wswrapper::error::{GroupError, SendError};
use wswrapper::server::Audience;
use wswrapper::{Limits, Server, ws_service};
use wswrapper_tests::{let_others_run, until};

#[ws_service(channel = "paper")]
trait Paper {
    #[ws(event)]
    fn news(&self, text: String);
}

fn names(rooms: &[Arc<str>]) -> Vec<&str> {
    rooms.iter().map(|room| &**room).collect()
}

#[tokio::test]
async fn an_event_reaches_the_members_of_its_room() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let [a, b, c] = listeners(&server);
    assert_eq!((a.peer.join("tea")?, a.peer.join("tea")?, b.peer.join("tea")?), (true, false, true));
    let tea = server.room("tea");
    assert_eq!((tea.len(), tea.is_empty(), server.room("milk").is_empty()), (2, false, true));
    assert_eq!(tea.peers(), [a.peer.clone(), b.peer.clone()]);
    assert_eq!(tea.emit("news", ("one",)).await?.sent, 2);
    assert_eq!(tea.channel("paper").emit("news", ("two",)).await?.sent, 2);
    assert_eq!(PaperProxy::new(&tea).news("three").await?.sent, 2);
    assert_eq!((a.peer.leave("tea"), a.peer.leave("tea"), c.peer.leave("tea")), (true, false, false));
    assert_eq!(tea.emit("news", ("four",)).await?.sent, 1);
    assert_eq!(server.room("milk").emit("news", ("five",)).await?.sent, 0);
    until(|| b.heard().len() == 4 && a.heard().len() == 3).await;
    let_others_run().await;
    assert_eq!(a.heard(), ["one", "two", "three"]);
    assert_eq!(b.heard(), ["one", "two", "three", "four"]);
    assert!(c.heard().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_peer_leaves_its_rooms_when_its_connection_is_closed() -> Result<(), Box<dyn Error>> {
    let seen = Arc::new(Mutex::new(None));
    let hook_seen = Arc::clone(&seen);
    let server = Server::builder()
        .on_close(move |peer, _| {
            *hook_seen.lock().expect("no thread panicked") = Some((peer.rooms(), peer.is_in("tea")));
            async {}
        })
        .build()?;
    let [a, b] = listeners(&server);
    for room in ["tea", "coffee", "milk"] {
        a.peer.join(room)?;
    }
    b.peer.join("tea")?;
    a.peer.leave("milk");
    assert_eq!(names(&a.peer.rooms()), ["coffee", "tea"]);
    assert_eq!((names(&server.rooms()), server.status().rooms), (vec!["coffee", "tea"], 2));
    a.client.close(1000, "");
    a.peer.closed().await;
    assert_eq!((names(&server.rooms()), server.room("tea").peers()), (vec!["tea"], vec![b.peer.clone()]));
    let seen = seen.lock().expect("no thread panicked").take().expect("the hook ran");
    assert_eq!((names(&seen.0), seen.1), (vec!["coffee", "tea"], true));
    assert_eq!((a.peer.join("tea"), a.peer.leave("tea")), (Err(GroupError::Closed), false));
    assert_eq!(server.room("tea").len(), 1);
    drop(server);
    b.peer.closed().await;
    Ok(())
}

#[tokio::test]
async fn unions_and_exceptions_select_each_peer_once() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let [a, b, c, d] = listeners(&server);
    for (peer, rooms) in [(&a, &["tea", "milk"][..]), (&b, &["tea"]), (&c, &["milk", "mute"])] {
        for room in rooms {
            peer.peer.join(room)?;
        }
    }
    let peers = |audience: Audience| audience.peers();
    let of = |listeners: &[&Listener]| listeners.iter().map(|listener| listener.peer.clone()).collect::<Vec<_>>();
    let (tea, milk, mute) = (server.room("tea"), server.room("milk"), server.room("mute"));
    assert_eq!(peers(tea.clone().union(&milk)), of(&[&a, &b, &c]));
    assert_eq!(peers(tea.clone().union(&milk).except(&mute)), of(&[&a, &b]));
    assert_eq!(peers(milk.clone().except(&a.peer)), of(&[&c]));
    assert_eq!(peers(server.broadcast().except(&tea).except(mute)), of(&[&d]));
    assert_eq!(peers(tea.clone().except(tea.clone()).union(&d.peer)), of(&[&d]));
    assert_eq!(peers(server.broadcast().except(tea.clone().except(&b.peer))), of(&[&b, &c, &d]));
    let both = tea.clone().union(&milk);
    assert_eq!((both.len(), both.emit("news", ("one",)).await?.sent), (3, 3));
    until(|| [&a, &b, &c].iter().all(|listener| listener.heard() == ["one"])).await;
    // Those of another server are nobody.
    let other = Server::builder().build()?;
    let [foreign] = listeners(&other);
    foreign.peer.join("tea")?;
    assert_eq!(peers(tea.clone().union(other.room("tea"))), of(&[&a, &b]));
    assert_eq!(peers(tea.clone().except(other.broadcast()).except(&foreign.peer)), of(&[&a, &b]));
    // A long union is neither deep nor slow.
    let many = (0..100_000).fold(tea, |all, n| all.union(server.room(&n.to_string())));
    assert_eq!(many.len(), 2);
    drop(many);
    Ok(())
}

#[tokio::test]
async fn rooms_are_limited_for_each_peer_and_in_all() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_rooms(3).max_rooms_per_peer(2);
    let server = Server::builder().limits(limits).build()?;
    let [a, b] = listeners(&server);
    a.peer.join("one")?;
    a.peer.join("two")?;
    assert_eq!(a.peer.join("three"), Err(GroupError::TooManyOfPeer { limit: 2 }));
    b.peer.join("three")?;
    assert_eq!(b.peer.join("four"), Err(GroupError::TooMany { limit: 3 }));
    assert_eq!(b.peer.rooms().len(), 1);
    // A room that exists can be joined, and one that ends makes place.
    b.peer.join("one")?;
    b.peer.leave("three");
    b.peer.join("four")?;
    assert_eq!(b.peer.join(&"x".repeat(257)), Err(GroupError::NameTooLong { size: 257 }));
    assert_eq!(names(&server.rooms()), ["four", "one", "two"]);
    Ok(())
}

#[tokio::test]
async fn hooks_are_told_of_added_and_removed_peers() -> Result<(), Box<dyn Error>> {
    struct Name(&'static str);
    let told = Arc::new(Mutex::new(Vec::new()));
    let (added, removed) = (Arc::clone(&told), Arc::clone(&told));
    let server = Server::builder()
        .on_added(move |peer| {
            peer.join("all").expect("the peer is a member");
            peer.extensions().insert(Name("tea"));
            added.lock().expect("no thread panicked").push(format!("added to {}", peer.room("all").len()));
        })
        .on_removed(move |peer| {
            let name = peer.extensions().get::<Name>().expect("its extensions are there");
            let text = format!("{} removed from {:?}, {} are left", name.0, peer.rooms(), peer.room("all").len());
            removed.lock().expect("no thread panicked").push(text);
        })
        .build()?;
    let [a, _b] = listeners(&server);
    a.client.close(1000, "");
    a.peer.closed().await;
    let expected = ["added to 1", "added to 2", r#"tea removed from ["all"], 1 are left"#];
    assert_eq!(*told.lock().expect("no thread panicked"), expected);
    Ok(())
}

#[tokio::test]
async fn a_member_that_cannot_take_an_event_is_named_in_the_delivery() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().limits(Limits::default().max_outgoing_message_size(100)).build()?;
    let [a, b] = listeners(&server);
    a.peer.join("tea")?;
    b.peer.join("tea")?;
    let too_large = server.room("tea").emit("news", ("x".repeat(100),)).await;
    assert!(matches!(too_large, Err(SendError::TooLarge { limit: 100, .. })));
    b.peer.close(1000, "");
    let delivery = server.room("tea").emit("news", ("one",)).await?;
    assert!(matches!(&delivery.failed[..], [(id, SendError::Closed(_))] if *id == b.peer.id()));
    assert_eq!((delivery.sent, server.room("tea").close(4000, "closed for today")), (1, 2));
    assert_eq!(a.client.closed().await.code, 4000);
    Ok(())
}

#[tokio::test]
async fn a_union_of_many_is_not_deep() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let rooms = (0..20_000).map(|n| server.room(&n.to_string()));
    let all = rooms.reduce(|all, room| room.union(all)).expect("there are rooms");
    assert_eq!(all.len(), 0);
    let [a] = listeners(&server);
    a.peer.join("0")?;
    assert_eq!(all.peers(), std::slice::from_ref(&a.peer));
    Ok(())
}
