//! Users: several connections, absences, leaves, other users.

use super::{Visitor, shown, told, user};
use futures_util::StreamExt;
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wswrapper::error::GroupError;
use wswrapper::server::{Presence, PresenceKey};
use wswrapper::{Limits, Server};
use wswrapper_tests::SECOND;

#[tokio::test(start_paused = true)]
async fn joins_updates_and_leaves_are_seen_in_the_snapshot_and_the_stream() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let tea = Presence::new("tea");
    let (ada, other) = (Visitor::of_user(&server, "ada"), Visitor::of(&server));
    let mut changes = tea.changes();
    tea.join(&ada.peer, "new")?;
    assert_eq!(told(&mut changes), ["all: user:ada new"], "the first poll makes the snapshot");
    tea.join(&other.peer, "shy")?;
    assert!(ada.peer.is_in("tea") && other.peer.is_in("tea"));
    let other_key = format!("peer:{}", other.peer.id());
    assert_eq!(shown(&tea), [("user:ada".into(), "new"), (other_key.clone(), "shy")]);
    assert!(tea.update(&ada.peer, "busy") && tea.update(&ada.peer, "busy"));
    assert_eq!(told(&mut changes), [format!("joined: {other_key} shy"), "changed: user:ada busy".into()]);
    // A leave that is meant, by the presence and by the peer, is reported at once.
    assert_eq!((tea.leave(&ada.peer), tea.leave(&ada.peer), ada.peer.is_in("tea")), (true, false, false));
    assert!(other.peer.leave("tea"));
    assert_eq!(told(&mut changes), ["left: user:ada busy".into(), format!("left: {other_key} shy")]);
    assert!(!tea.update(&ada.peer, "gone") && tea.is_empty());
    // A member of the room that has not joined by the presence is not shown.
    ada.peer.join("tea")?;
    assert!(tea.is_empty() && !tea.update(&ada.peer, "hidden"));
    tea.join(&ada.peer, "back")?;
    assert_eq!(told(&mut changes), ["joined: user:ada back"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_user_with_several_connections_appears_once() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let tea = Presence::new("tea");
    let [phone, page, desk] = [(); 3].map(|()| Visitor::of_user(&server, "ada"));
    let mut changes = tea.changes();
    for (visitor, meta) in [(&phone, "idle"), (&page, "idle"), (&desk, "busy")] {
        tea.join(&visitor.peer, meta)?;
    }
    assert_eq!((shown(&tea), tea.connections(&user("ada"))), (vec![("user:ada".into(), "busy")], 3));
    assert_eq!(told(&mut changes), ["all: user:ada busy"]);
    // The latest metadata stays, whoever has brought it.
    tea.leave(&desk.peer);
    page.close().await;
    assert_eq!((shown(&tea), tea.connections(&user("ada"))), (vec![("user:ada".into(), "busy")], 1));
    sleep(60 * SECOND).await;
    assert_eq!((told(&mut changes), tea.len()), (vec![], 1));
    phone.close().await;
    assert_eq!((tea.len(), tea.connections(&user("ada"))), (1, 0));
    assert_eq!(changes.next().await.map(super::text).as_deref(), Some("left: user:ada busy"));
    assert_eq!(tea.len(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_leave_is_reported_after_five_seconds_without_a_connection() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let tea = Presence::new("tea");
    let mut changes = tea.changes();
    for (after, metas, expected) in [
        // Back within the time.
        (4_999, ["calm", "calm"], &[][..]),
        (4_999, ["calm", "busy"], &["changed: user:ada busy"]),
        (5_000, ["busy", "busy"], &["left: user:ada busy", "joined: user:ada busy"]),
    ] {
        let first = Visitor::of_user(&server, "ada");
        tea.join(&first.peer, metas[0])?;
        told(&mut changes);
        let since = tea.snapshot()[0].since;
        first.close().await;
        sleep(Duration::from_millis(after)).await;
        let second = Visitor::of_user(&server, "ada");
        tea.join(&second.peer, metas[1])?;
        assert_eq!(told(&mut changes), expected, "back after {after} ms");
        assert!(expected.len() == 2 || tea.snapshot()[0].since == since);
        sleep(60 * SECOND).await;
        assert_eq!((told(&mut changes), tea.len()), (vec![], 1), "an earlier absence does not count");
        tea.leave(&second.peer);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_stream_and_the_handles_find_a_leave_when_it_is_due() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let tea = Presence::new("tea").leave_after(2 * SECOND);
    let mut changes = tea.changes();
    assert_eq!(told(&mut changes), ["all: "]);
    let waiting = tokio::spawn(async move {
        let mut times = Vec::new();
        while times.len() < 4
            && let Some(change) = changes.next().await
        {
            times.push((super::text(change), Instant::now()));
        }
        times
    });
    let start = Instant::now();
    let [ada, bob] = ["ada", "bob"].map(|name| Visitor::of_user(&server, name));
    tea.join(&ada.peer, "a")?;
    tea.join(&bob.peer, "b")?;
    ada.close().await;
    sleep(SECOND).await;
    bob.close().await;
    sleep(Duration::from_millis(999)).await;
    assert_eq!(tea.len(), 2);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(shown(&tea), [("user:bob".into(), "b")]);
    let times: Vec<_> = waiting.await?.into_iter().map(|(text, at)| (text, (at - start).as_secs())).collect();
    let expected =
        [("joined: user:ada a", 0), ("joined: user:bob b", 0), ("left: user:ada a", 2), ("left: user:bob b", 3)];
    assert_eq!(times, expected.map(|(text, at)| (text.to_owned(), at)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_a_time_the_leave_is_reported_with_the_close() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let tea = Presence::new("tea").leave_after(Duration::ZERO);
    let ada = Visitor::of(&server);
    tea.join(&ada.peer, 1)?;
    let start = Instant::now();
    ada.close().await;
    assert_eq!((tea.len(), start.elapsed()), (0, Duration::ZERO));
    // The longest time is no overflow.
    let tea = Presence::new("tea").leave_after(Duration::MAX);
    let ada = Visitor::of(&server);
    tea.join(&ada.peer, 1)?;
    ada.close().await;
    sleep(3_600 * SECOND).await;
    assert_eq!(tea.len(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_stays_under_the_user_with_whom_it_has_joined_until_it_joins_again() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let tea = Presence::new("tea");
    let (visitor, ada) = (Visitor::of(&server), Visitor::of_user(&server, "ada"));
    let number = format!("peer:{}", visitor.peer.id());
    let mut changes = tea.changes();
    tea.join(&visitor.peer, "guest")?;
    told(&mut changes);
    visitor.peer.set_user("ada")?;
    assert!(tea.update(&visitor.peer, "signing in"));
    assert_eq!(told(&mut changes), [format!("changed: {number} signing in")]);
    tea.join(&visitor.peer, "member")?;
    assert_eq!(told(&mut changes), [format!("left: {number} signing in"), "joined: user:ada member".into()]);
    // A second connection of the user leaves her there when it becomes another one's.
    tea.join(&ada.peer, "member")?;
    ada.peer.set_user("bob")?;
    tea.join(&ada.peer, "member")?;
    assert_eq!(told(&mut changes), ["joined: user:bob member"]);
    assert_eq!(tea.connections(&user("ada")), 1);
    assert_eq!(tea.connections(&PresenceKey::Peer(visitor.peer.id().get())), 0);
    // It is the close of the one who is shown.
    visitor.peer.clear_user()?;
    visitor.close().await;
    sleep(5 * SECOND).await;
    assert_eq!(told(&mut changes), ["left: user:ada member"]);
    Ok(())
}

#[tokio::test]
async fn a_join_that_fails_shows_nobody() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().limits(Limits::default().max_rooms_per_peer(1)).build()?;
    let (tea, milk) = (Presence::new("tea"), Presence::new("milk"));
    let visitor = Visitor::of(&server);
    tea.join(&visitor.peer, 1)?;
    assert_eq!(milk.join(&visitor.peer, 1), Err(GroupError::TooManyOfPeer { limit: 1 }));
    let long = Presence::new(&"x".repeat(257));
    assert_eq!(long.join(&visitor.peer, 1), Err(GroupError::NameTooLong { size: 257 }));
    let peer = visitor.peer.clone();
    visitor.close().await;
    assert_eq!(tea.join(&peer, 2), Err(GroupError::Closed));
    assert!(milk.is_empty() && long.is_empty() && shown(&tea)[0].1 == 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn two_presences_of_one_room_do_not_know_of_each_other() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let (names, moods) = (Presence::new("tea"), Presence::new("tea").leave_after(Duration::ZERO));
    let [ada, bob] = ["ada", "bob"].map(|name| Visitor::of_user(&server, name));
    names.join(&ada.peer, "Ada")?;
    moods.join(&ada.peer, 7)?;
    moods.join(&bob.peer, 8)?;
    assert_eq!((names.len(), moods.len(), server.room("tea").len()), (1, 2, 2));
    // The room is left for both.
    moods.leave(&ada.peer);
    assert_eq!((names.len(), moods.len()), (0, 1));
    names.join(&bob.peer, "Bob")?;
    bob.close().await;
    assert_eq!((names.len(), moods.len()), (1, 0));
    // One that is dropped is told nothing.
    let ada = Visitor::of_user(&server, "ada");
    moods.join(&ada.peer, 9)?;
    names.join(&ada.peer, "Ada")?;
    drop(moods);
    ada.peer.leave("tea");
    assert_eq!(shown(&names), [("user:bob".into(), "Bob")]);
    Ok(())
}
