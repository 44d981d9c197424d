//! Visits of channels with calls that are cancelled, leaves that are dropped, and connections that end, by seeds.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use wswrapper::observe::ChannelVisit;
use wswrapper::transport::memory;
use wswrapper::{Client, Peer, Server, ws_handlers};
use wswrapper_tests::cable::{Chance, for_each_seed};
use wswrapper_tests::{nothing_is_left_of, until};

/// Who is on the boards, and the calls in the order in which they were handled.
#[derive(Clone, Default)]
struct Board {
    visits: Arc<Mutex<Visits>>,
    calls: Arc<Mutex<Vec<u32>>>,
}

#[derive(Default)]
struct Visits {
    inside: BTreeMap<String, i32>,
    /// The number of hooks that run.
    running: usize,
    /// What must not happen. A panic of a hook or a handler would be caught.
    wrong: Vec<String>,
    chance: Option<Chance>,
}

#[ws_handlers(channel = "board/{name}")]
impl Board {
    pub async fn draw(&self, name: String, n: u32) -> u32 {
        let mut visits = self.visits.lock().unwrap();
        if visits.inside.get(&format!("board/{name}")) != Some(&1) {
            visits.wrong.push(format!("call {n} on {name} without a visit"));
        }
        drop(visits);
        self.calls.lock().unwrap().push(n);
        n
    }

    #[ws(event)]
    pub async fn touch(&self, name: String) {
        let _ = name;
    }
}

impl Board {
    fn new(seed: u64) -> Self {
        let board = Self::default();
        board.visits.lock().unwrap().chance = Some(Chance::new(seed));
        board
    }

    /// Returns a number that the seed decides.
    fn random(&self, most: usize) -> usize {
        self.visits.lock().unwrap().chance.as_mut().map_or(0, |chance| chance.between(0, most))
    }

    async fn pause(&self) {
        sleep(micros(self.random(2_000))).await;
    }

    async fn enter(self, visit: ChannelVisit) -> Result<(), String> {
        let _running = self.count();
        self.pause().await;
        self.pause().await;
        if self.random(4) == 0 {
            return Err("refused".to_owned());
        }
        self.change(visit.name(), 1);
        Ok(())
    }

    async fn leave(self, visit: ChannelVisit) {
        let _running = self.count();
        self.change(visit.name(), -1);
        self.pause().await;
    }

    fn change(&self, name: &str, by: i32) {
        let mut visits = self.visits.lock().unwrap();
        let count = visits.inside.entry(name.to_owned()).or_default();
        *count += by;
        if !(0..=1).contains(count) {
            let wrong = format!("{count} visits of {name}");
            visits.wrong.push(wrong);
        }
    }

    /// Counts a hook until it has ended or is dropped.
    fn count(&self) -> Running {
        self.visits.lock().unwrap().running += 1;
        Running(Arc::clone(&self.visits))
    }

    fn connect(&self) -> (Server, Peer, Client) {
        let (entering, leaving) = (self.clone(), self.clone());
        let server = Server::builder()
            .service(self.clone())
            .on_enter("board/{name}", move |visit| entering.clone().enter(visit))
            .on_leave("board/{name}", move |visit| leaving.clone().leave(visit));
        let server = server.build().expect("the service can be mounted");
        let (near, far) = memory::pair();
        let peer = server.accept_transport(far).expect("the server is open");
        (server, peer, Client::connect_transport(near).expect("nothing is mounted"))
    }

    /// Checks that whoever has entered has left.
    async fn is_empty(&self) {
        until(|| self.visits.lock().unwrap().running == 0).await;
        let visits = self.visits.lock().unwrap();
        assert!(visits.inside.values().all(|count| *count == 0), "{:?}", visits.inside);
        assert_eq!(visits.wrong, [] as [&str; 0]);
    }
}

struct Running(Arc<Mutex<Visits>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().unwrap().running -= 1;
    }
}

fn micros(number: usize) -> Duration {
    Duration::from_micros(u64::try_from(number).expect("a small number"))
}

async fn act(client: &Client, peer: &Peer, chance: &mut Chance, n: u32) {
    let board = BoardProxy::new(client, chance.one_of(&["a", "b", "c"]));
    let patience = micros(chance.between(0, 500));
    // Each of them may fail, because the connection ends.
    match chance.between(0, 4) {
        0 => drop(timeout(patience, board.draw(n)).await),
        1 => drop(board.touch().await),
        2 => drop(timeout(patience, peer.leave_channel("board/a")).await),
        3 => {
            peer.leave_channel("board/b").await;
        }
        _ => drop(board.draw(n).await),
    }
}

#[test]
fn whoever_has_entered_leaves_once() {
    for_each_seed(0..100, |mut chance| async move {
        let board = Board::new(chance.next_seed());
        let (server, peer, client) = board.connect();
        let tasks = [(); 3].map(|()| {
            let (client, peer, mut chance) = (client.clone(), peer.clone(), Chance::new(chance.next_seed()));
            tokio::spawn(async move {
                for n in 0..20 {
                    act(&client, &peer, &mut chance, n).await;
                    sleep(micros(chance.between(0, 3_000))).await;
                }
            })
        });
        sleep(micros(chance.between(0, 100_000))).await;
        match chance.between(0, 5) {
            0 => client.close(1000, ""),
            1 => peer.close(1000, ""),
            2 => peer.abort_connection(),
            3 => peer.drain(micros(chance.between(0, 10_000))),
            4 => drop(server.shutdown(micros(chance.between(0, 20_000)))),
            _ => server.close(),
        }
        peer.closed().await;
        for task in tasks {
            task.await.expect("the tasks end");
        }
        nothing_is_left_of(&peer).await;
        board.is_empty().await;
    });
}

#[test]
fn calls_keep_their_order_around_hooks() {
    for_each_seed(0..100, |mut chance| async move {
        let board = Board::new(chance.next_seed());
        let (_server, peer, client) = board.connect();
        let mut tasks = Vec::new();
        for n in 0..60 {
            let mut call = Box::pin(BoardProxy::new(&client, "a").draw(n));
            // Sent now, in the order of the numbers.
            let is_ready = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_ready())).await;
            assert!(!is_ready);
            match chance.between(0, 6) {
                0 => drop(call),
                1 => tasks.push(tokio::spawn(async move { drop(timeout(micros(2_000), call).await) })),
                _ => tasks.push(tokio::spawn(async move { drop(call.await) })),
            }
            if chance.one_in(6) {
                let peer = peer.clone();
                tasks.push(tokio::spawn(async move {
                    peer.leave_channel("board/a").await;
                }));
            }
            if chance.one_in(3) {
                sleep(micros(chance.between(0, 4_000))).await;
            }
        }
        for task in tasks {
            task.await.expect("the tasks end");
        }
        let calls = board.calls.lock().unwrap().clone();
        assert!(calls.is_sorted(), "{calls:?}");
        nothing_is_left_of(&peer).await;
        client.close(1000, "");
        peer.closed().await;
        board.is_empty().await;
    });
}
