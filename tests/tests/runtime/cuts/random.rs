//! Random calls, events and streams on connections that are cut at a random byte.

use super::Runs;
use super::work::{ACTIONS, Action, WorkProxy, pause, working_server};
use futures_util::future::join_all;
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::{Client, Peer, Server};
use wswrapper_tests::cable::{Chance, Connected, Delivery, Direction, Ending, Line, for_each_seed};
use wswrapper_tests::nothing_is_left_of;

/// Performs random actions at the same time on a connection that is cut, and checks that nothing is left of them.
async fn run(mut chance: Chance) {
    let (server, runs) = working_server();
    let delivery = if chance.one_in(3) { Delivery::Whole } else { Delivery::Pieces { seed: chance.next_seed() } };
    let line = Line::to(&server, delivery);
    let (direction, ending) = (chance.one_of(&Direction::BOTH), chance.one_of(&Ending::BOTH));
    let bytes = chance.between(0, 2_000) as u64;
    if chance.one_in(10) {
        line.cable.cut_after(direction, bytes, ending);
        return cut_handshake(line).await;
    }
    let Connected { client, peer, cable } = line.connect(Client::builder()).await;
    cable.cut_after(direction, bytes, ending);

    let actions: [Action; ACTIONS] = std::array::from_fn(|_| Action::random(&mut chance));
    let work = WorkProxy::new(&client);
    let performed = actions.into_iter().enumerate().map(|(n, action)| {
        let (work, start) = (work.clone(), chance.one_of(&[0, 0, 1, 5]));
        tokio::spawn(async move {
            pause(start).await;
            action.perform(n, &work).await
        })
    });
    let performed = timeout(Duration::from_mins(10), join_all(performed)).await.expect("each action has an end");
    for (n, allowed) in performed.into_iter().enumerate() {
        let allowed = allowed.expect("no action fails in another way");
        assert!(allowed.contains(&runs[n].count()), "{:?} ran {} times", actions[n], runs[n].count());
    }
    for endpoint in [client.peer(), &peer] {
        nothing_is_left_of(endpoint).await;
    }
    // Perhaps not all of the bytes have passed.
    cable.cut(ending);
    check_new_connection(&server, &client, &peer, &runs).await;
}

/// Connects again, and checks that nothing of the lost connection is sent again.
async fn check_new_connection(server: &Server, client: &Client, peer: &Peer, runs: &[Runs; ACTIONS]) {
    let closed = async { (client.closed().await, peer.closed().await) };
    timeout(Duration::from_mins(10), closed).await.expect("both endpoints notice the cut");
    Line::to(server, Delivery::Whole).rebind(client).await.expect("the server accepts it");
    let before: Vec<_> = runs.iter().map(Runs::count).collect();
    assert_eq!(WorkProxy::new(client).echo(0, 0).await.expect("an answer"), 0);
    let after: Vec<_> = runs.iter().map(Runs::count).collect();
    assert_eq!((after[0], &after[1..]), (before[0] + 1, &before[1..]), "only the last call has run");
}

/// Connects over a line that may be cut during the handshake, and checks that both endpoints notice it.
async fn cut_handshake(line: Line) {
    let Line { stream, accepting, .. } = line;
    let connecting = timeout(Duration::from_mins(10), Client::builder().connect_over(stream, Line::URL));
    let client = connecting.await.expect("connecting has an end");
    let accepted = timeout(Duration::from_mins(10), accepting).await.expect("accepting has an end");
    for peer in [client.as_ref().ok().map(Client::peer), accepted.expect("no panic").as_ref().ok()] {
        let Some(peer) = peer else { continue };
        nothing_is_left_of(peer).await;
    }
}

#[test]
fn whatever_is_cut_each_call_finishes_once_and_nothing_is_left() {
    for_each_seed(0..2_000, run);
}
