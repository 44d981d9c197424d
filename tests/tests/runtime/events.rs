//! Events, broadcasts and hooks.

use serde_json::json;
use std::error::Error;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wswrapper::transport::memory;
use wswrapper::{Client, Context, Limits, Server, error::SendError, ws_handlers, ws_service};
use wswrapper_tests::{Log, RawPeer, pair, pair_with};

#[ws_service(channel = "news", rename_all = "camelCase")]
trait News {
    #[ws(event)]
    async fn flash_news(&self, text: String);
    #[ws(event, name = "goodbye")]
    fn bye(&self);
    async fn count(&self) -> usize;
}

#[derive(Clone, Default)]
struct Reader {
    log: Log,
}

#[ws_handlers]
impl News for Reader {
    async fn flash_news(&self, text: String) {
        self.log.add(text);
    }

    fn bye(&self) {
        self.log.add("bye");
    }

    async fn count(&self) -> usize {
        self.log.entries().len()
    }
}

#[tokio::test]
async fn events_arrive_in_order_and_before_later_calls() {
    let reader = Reader::default();
    let pair = pair(Server::builder().service(reader.clone()));
    let news = NewsProxy::new(&pair.client);
    for n in 0..100 {
        news.flash_news(n.to_string()).await.expect("the queue has capacity");
    }
    news.bye().await.expect("the queue has capacity");
    assert_eq!(news.count().await.expect("an answer"), 101);
    let expected: Vec<_> = (0..100).map(|n| n.to_string()).chain(["bye".to_owned()]).collect();
    assert_eq!(reader.log.entries(), expected);
}

#[tokio::test]
async fn events_have_the_names_of_the_contract() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let news = NewsProxy::new(&client);
    news.flash_news("x").await.expect("the queue has capacity");
    news.bye().await.expect("the queue has capacity");
    assert_eq!(raw.receive_text().await, r#"{"a":["flashNews","x"],"c":"news"}"#);
    assert_eq!(raw.receive_text().await, r#"{"a":["goodbye"],"c":"news"}"#);
}

struct Announcer;

#[ws_handlers]
impl Announcer {
    pub async fn announce(&self, ctx: Context) -> usize {
        let news = NewsProxy::new(ctx.peer());
        news.flash_news("before the answer").await.expect("the queue has capacity");
        1
    }

    pub async fn to_all(&self, ctx: Context, text: String) -> usize {
        NewsProxy::new(ctx.broadcast()).flash_news(text).await.expect("it can be encoded").sent
    }
}

#[tokio::test]
async fn an_event_sent_by_a_handler_arrives_before_its_response() {
    let server = Server::builder().service(Announcer).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["announce"],"i":1}"#).await;
    assert_eq!(raw.receive().await, json!({"a": ["flashNews", "before the answer"], "c": "news"}));
    assert_eq!(raw.receive().await, json!({"i": 1, "d": 1}));
}

#[tokio::test]
async fn a_broadcast_reaches_each_peer_once() {
    let server = Server::builder().service(Announcer).build().expect("it can be mounted");
    let readers: Vec<_> = (0..50)
        .map(|_| {
            let reader = Reader::default();
            let (local, remote) = memory::pair();
            server.accept_transport(remote).expect("the server is open");
            (Client::builder().service(reader.clone()).connect_transport(local).expect("it can be mounted"), reader)
        })
        .collect();
    let delivery = NewsProxy::new(server.broadcast()).flash_news("hello").await.expect("it can be encoded");
    assert_eq!((delivery.sent, delivery.failed.len()), (50, 0));
    let announcer = AnnouncerProxy::new(&readers[0].0);
    assert_eq!(announcer.to_all("again").await.expect("an answer"), 50);
    for (_, reader) in &readers {
        assert_eq!(reader.log.has(2).await, ["hello", "again"]);
    }
}

#[tokio::test]
async fn channels_of_a_server_and_of_a_broadcast_send_to_each_peer() {
    let server = Server::builder().build().expect("nothing to mount");
    let mut raws = [RawPeer::dial(&server).0, RawPeer::dial(&server).0];
    let sport = server.channel("sport");
    let same = server.broadcast().channel("sport");
    assert_eq!((sport.name(), same.name()), ("sport", "sport"));
    for event in [sport.emit("goal", (1,)), same.emit("goal", (2,))] {
        let delivery = event.await.expect("it can be encoded");
        assert_eq!((delivery.sent, delivery.failed.len()), (2, 0));
    }
    for raw in &mut raws {
        assert_eq!(raw.receive().await, json!({"a": ["goal", 1], "c": "sport"}));
        assert_eq!(raw.receive().await, json!({"a": ["goal", 2], "c": "sport"}));
    }
}

#[tokio::test]
async fn a_broadcast_skips_a_slow_peer_and_reaches_the_others_without_delay() {
    let limits = Limits::default().max_outbound_bytes(100_000);
    let server = Server::builder().limits(limits).build().expect("nothing to mount");
    let (slow, slow_peer) = RawPeer::dial(&server);
    let reader = Reader::default();
    let (local, remote) = memory::pair();
    server.accept_transport(remote).expect("the server is open");
    let _client = Client::builder().service(reader.clone()).connect_transport(local).expect("it can be mounted");
    let news = NewsProxy::new(server.broadcast());
    let text = "x".repeat(10_000);
    let mut left_out = 0;
    for n in 1..=100 {
        let delivery = news.flash_news(&text).await.expect("it can be encoded");
        for (peer, error) in delivery.failed {
            assert_eq!(peer, slow_peer.id());
            assert!(matches!(error, SendError::Full));
            left_out += 1;
        }
        assert_eq!(reader.log.has(n).await.len(), n);
    }
    assert!((50..100).contains(&left_out), "the peer was left out {left_out} times");
    drop(slow);
}

#[tokio::test]
async fn an_event_waits_for_capacity() {
    let limits = Limits::default().max_outbound_bytes(50_000);
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits));
    let sender = tokio::spawn({
        let news = NewsProxy::new(&client);
        let text = "x".repeat(10_000);
        async move {
            for _ in 0..100 {
                news.flash_news(&text).await.expect("it is sent when there is capacity");
            }
        }
    });
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    assert!(!sender.is_finished());
    for _ in 0..100 {
        assert_eq!(raw.receive().await["a"][0], "flashNews");
    }
    sender.await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn senders_that_wait_for_capacity_precede_later_ones() {
    let limits = Limits::default().max_outbound_bytes(50_000);
    let server = Server::builder().limits(limits).build().expect("nothing to mount");
    let (mut raw, peer) = RawPeer::dial(&server);
    let text = "x".repeat(10_000);
    while let Ok(sent) = timeout(Duration::from_millis(10), peer.emit("fill", (&text,))).await {
        sent.expect("the connection is open");
    }
    let mut waiting = Vec::new();
    for name in ["first", "second", "third"] {
        waiting.push(tokio::spawn(peer.emit(name, (&text,))));
        tokio::task::yield_now().await;
    }
    let mut next = async || {
        let frame = timeout(Duration::from_secs(10), raw.receive()).await.expect("all of them arrive");
        frame["a"][0].as_str().unwrap_or_default().to_owned()
    };
    let (mut order, mut newcomers) = (Vec::new(), 0);
    loop {
        let delivery = server.broadcast().emit("broadcast", (&text,)).await.expect("it can be encoded");
        if waiting.iter().all(JoinHandle::is_finished) {
            if delivery.sent == 1 {
                break;
            }
        } else {
            assert_eq!(delivery.sent, 0, "a broadcast preceded a waiting sender, after {order:?}");
            // There may be capacity for the newcomers, but they must follow the waiting ones.
            if newcomers % 2 == 0 {
                drop(tokio::spawn(peer.emit("newcomer", (&text,))));
            } else {
                drop(tokio::spawn(peer.request::<()>("newcomer", (&text,))));
            }
            newcomers += 1;
        }
        order.push(next().await);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while order.last().is_none_or(|event| event != "broadcast") {
        order.push(next().await);
    }
    order.retain(|event| event != "fill");
    let mut expected = vec!["first", "second", "third"];
    expected.resize(3 + newcomers, "newcomer");
    expected.push("broadcast");
    assert_eq!(order, expected);
}

#[tokio::test]
async fn an_argument_that_cannot_be_encoded_is_an_error_of_the_call() {
    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Eq, PartialOrd, Ord)]
    struct Key {
        a: u8,
    }
    type Odd = std::collections::BTreeMap<Key, u8>;
    #[ws_service]
    trait Strange {
        async fn take(&self, n: u8, odd: Odd);
        #[ws(event)]
        async fn note(&self, odd: Odd);
    }
    #[allow(dead_code)]
    struct Taker;
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let strange = StrangeProxy::new(&client);
    let odd = || Odd::from([(Key { a: 1 }, 1)]);
    let error = strange.take(1, odd()).await.expect_err("it cannot be encoded");
    assert_eq!(error.to_string(), "argument 2 cannot be encoded: key must be a string");
    let error = strange.note(odd()).await.expect_err("it cannot be encoded");
    assert_eq!(error.to_string(), "argument 1 cannot be encoded: key must be a string");
    raw.silence().await;
}

#[tokio::test]
async fn on_open_may_call_the_peer_and_finishes_before_the_first_handler_starts() {
    let log = Log::default();
    let server = Server::builder().service(Reader { log: log.clone() }).on_open({
        let log = log.clone();
        move |peer| {
            let log = log.clone();
            async move {
                let count = NewsProxy::new(&peer).count().await.expect("the client answers");
                tokio::time::sleep(Duration::from_millis(20)).await;
                log.add(format!("open {count}"));
            }
        }
    });
    let server = server.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["flashNews","an event"],"c":"news"}"#).await;
    raw.send(r#"{"a":["count"],"c":"news","i":1}"#).await;
    let asked = raw.receive().await;
    assert_eq!(asked["a"], json!(["count"]));
    raw.send(&json!({"i": asked["i"], "d": 7}).to_string()).await;
    assert_eq!(raw.receive().await, json!({"i": 1, "d": 2}));
    assert_eq!(log.entries(), ["open 7", "an event"]);
}

#[tokio::test]
async fn on_close_receives_the_code_the_reason_and_the_closing_side() {
    let log = Log::default();
    let hook = log.clone();
    let pair = pair_with(
        Server::builder().on_close(move |_, closed| {
            let log = hook.clone();
            async move { log.add(format!("{} {} {:?}", closed.code, closed.reason, closed.cause)) }
        }),
        Client::builder(),
    );
    pair.client.peer().close(4000, "done");
    assert_eq!(log.has(1).await, ["4000 done Remote"]);
}

#[tokio::test]
async fn a_panic_of_on_error_does_not_close_the_connection() {
    let server = Server::builder().service(Reader::default()).on_error(|_, _| panic!("in on_error"));
    let pair = pair(server);
    pair.client.emit("unknown", ()).await.expect("the connection is open");
    assert_eq!(NewsProxy::new(&pair.client).count().await.expect("a response"), 0);
}

#[tokio::test]
async fn each_broadcast_is_for_the_peers_that_are_connected_then() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let news = async || {
        let delivery = pair.server.broadcast().emit("news", ()).await?;
        Ok::<_, SendError>((delivery.sent, delivery.failed.len()))
    };
    assert_eq!(news().await?, (1, 0));
    let (_local, remote) = memory::pair();
    let peer = pair.server.accept_transport(remote)?;
    assert_eq!(news().await?, (2, 0));
    peer.abort_connection();
    peer.closed().await;
    assert_eq!(news().await?, (1, 0));
    Ok(())
}
