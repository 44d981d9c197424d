//! Services that are answers.

mod support;

use futures_util::{FutureExt, stream};
use serde_json::json;
use std::error::Error;
use std::sync::atomic::{AtomicI64, Ordering};
use support::{Alive, Guard, Log, Pair, RawPeer, pair, pair_with, until};
use wswrapper::{
    AnonymousChannel, CallError, Client, Context, Counters, Limits, Reason, Rejection, Scoped, SendError, Server,
    ServerBuilder, Stream, Upload, WsError, ws_handlers, ws_service,
};

#[ws_service]
trait Register {
    async fn add(&self, n: i64) -> i64;
    #[ws(event)]
    async fn note(&self, line: String);
    async fn wait(&self, ctx: Context);
    async fn rings(&self, ctx: Context, n: i64) -> Result<i64, Rejection>;
    async fn below(&self, start: i64) -> Scoped<dyn Register>;
    async fn count(&self) -> impl Stream<Item = i64> + Send;
    async fn sum(&self, numbers: Upload<i64>) -> i64;
}

/// What the caller serves at its end of a register's channel.
#[ws_service]
trait Bell {
    async fn ring(&self, n: i64) -> i64;
}

/// All its names are reserved on the main channel.
#[ws_service(channel = "door")]
trait Door {
    async fn open(&self) -> String;
    async fn close(&self) -> String;
    #[ws(event)]
    async fn message(&self, text: String);
}

#[ws_service]
trait Desk {
    async fn register(&self, start: i64) -> Scoped<dyn Register>;
    async fn locked(&self, key: &str) -> Result<Scoped<dyn Register>, Locked>;
    async fn door(&self) -> Scoped<dyn Door>;
    fn bomb(&self) -> Scoped<Bomb>;
    async fn quick(&self) -> u8 {
        1
    }
}

#[derive(Debug, PartialEq, thiserror::Error, WsError)]
enum Locked {
    #[error("{key} does not fit")]
    Key { key: String },
}

/// What is alive and what happened.
#[derive(Clone, Default)]
struct Seen {
    scopes: Alive,
    handlers: Alive,
    log: Log,
}

struct Sum {
    so_far: AtomicI64,
    seen: Seen,
    _alive: Guard,
}

impl Seen {
    fn sum(&self, start: i64) -> Scoped<dyn Register> {
        Scoped::new(Sum { so_far: start.into(), seen: self.clone(), _alive: self.scopes.guard() })
    }
}

#[ws_handlers]
impl Register for Sum {
    async fn add(&self, n: i64) -> i64 {
        self.so_far.fetch_add(n, Ordering::SeqCst) + n
    }

    async fn note(&self, line: String) {
        self.seen.log.add(format!("{line} {}", self.so_far.load(Ordering::SeqCst)));
    }

    async fn wait(&self, ctx: Context) {
        let _alive = self.seen.handlers.guard();
        let log = self.seen.log.clone();
        tokio::spawn(async move { log.add(ctx.cancelled().await.to_string()) });
        std::future::pending::<()>().await;
    }

    async fn rings(&self, ctx: Context, n: i64) -> Result<i64, Rejection> {
        let channel = ctx.called_on().ok_or_else(|| Rejection::new("it is on an anonymous channel"))?;
        BellProxy::new(channel).ring(n).await.map_err(Rejection::from_display)
    }

    async fn below(&self, start: i64) -> Scoped<dyn Register> {
        self.seen.sum(start)
    }

    async fn count(&self) -> impl Stream<Item = i64> + Send {
        let alive = self.seen.handlers.guard();
        stream::unfold((&self.so_far, alive), async |(sum, alive)| {
            Some((sum.fetch_add(1, Ordering::SeqCst), (sum, alive)))
        })
    }

    async fn sum(&self, mut numbers: Upload<i64>) -> i64 {
        let _alive = self.seen.handlers.guard();
        while let Some(Ok(n)) = numbers.next().await {
            self.so_far.fetch_add(n, Ordering::SeqCst);
        }
        self.so_far.load(Ordering::SeqCst)
    }
}

struct Oak(Log);

#[ws_handlers]
impl Door for Oak {
    async fn open(&self) -> String {
        "opened".to_owned()
    }

    async fn close(&self) -> String {
        "closed".to_owned()
    }

    async fn message(&self, text: String) {
        self.0.add(text);
    }
}

struct Bomb;

#[ws_handlers]
impl Bomb {
    fn tick(&self) -> u8 {
        1
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("boom");
    }
}

struct Office(Seen);

#[ws_handlers]
impl Desk for Office {
    async fn register(&self, start: i64) -> Scoped<dyn Register> {
        self.0.sum(start)
    }

    async fn locked(&self, key: &str) -> Result<Scoped<dyn Register>, Locked> {
        if key == "brass" { Ok(self.0.sum(0)) } else { Err(Locked::Key { key: key.to_owned() }) }
    }

    async fn door(&self) -> Scoped<dyn Door> {
        Scoped::new(Oak(self.0.log.clone()))
    }

    fn bomb(&self) -> Scoped<Bomb> {
        Scoped::new(Bomb)
    }
}

struct Brass(Log);

#[ws_handlers]
impl Bell for Brass {
    async fn ring(&self, n: i64) -> i64 {
        self.0.add(format!("rung {n}"));
        2 * n
    }
}

fn office() -> (Seen, ServerBuilder) {
    let seen = Seen::default();
    (seen.clone(), Server::builder().service_as::<dyn Desk>(Office(seen)))
}

/// Nothing is under way any more at either end.
async fn nothing_is_left(pair: &Pair) {
    for peer in [&pair.peer, pair.client.peer()] {
        until(|| peer.counters() == Counters::default()).await;
    }
}

#[tokio::test]
async fn a_scope_is_called_through_its_contracts_proxy_and_keeps_its_state() -> Result<(), Box<dyn Error>> {
    let (seen, server) = office();
    let pair = pair(server);
    let desk = DeskProxy::new(&pair.client);
    let one: RegisterProxy<AnonymousChannel> = desk.register(40).await?;
    let two = desk.register(0).await?;
    assert_eq!(one.add(2).await?, 42);
    assert_eq!(two.add(7).await?, 7);
    assert_eq!(one.clone().add(1).await?, 43);
    one.note("one".to_owned()).await?;
    two.note("two".to_owned()).await?;
    assert_eq!(seen.log.has(2).await, ["one 43", "two 7"]);
    assert_eq!(
        (seen.scopes.count(), pair.peer.counters().open_channels, pair.client.counters().open_channels),
        (2, 2, 2)
    );
    Ok(())
}

#[tokio::test]
async fn a_scope_ends_with_the_last_clone_of_its_proxy() -> Result<(), Box<dyn Error>> {
    let (seen, server) = office();
    let pair = pair(server);
    let desk = DeskProxy::new(&pair.client);
    let proxy = desk.register(40).await?;
    let clone = proxy.clone();
    drop(proxy);
    assert_eq!(clone.add(2).await?, 42);
    drop(clone);
    // One round trip later it is gone.
    desk.quick().await?;
    assert_eq!(seen.scopes.count(), 0);
    // Nor does one stay that nobody has taken.
    drop(desk.register(1).await?);
    let mut call = desk.register(2);
    assert!((&mut call).now_or_never().is_none());
    until(|| seen.scopes.count() == 1).await;
    drop(call);
    seen.scopes.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn calls_under_way_end_with_their_scope_and_handlers_are_dropped() -> Result<(), Box<dyn Error>> {
    let (seen, server) = office();
    let pair = pair(server);
    let desk = DeskProxy::new(&pair.client);
    let (register, other) = (desk.register(0).await?, desk.register(0).await?);
    let calls: Vec<_> = (0..3).map(|_| tokio::spawn(register.wait())).collect();
    let stays = tokio::spawn(other.wait());
    seen.handlers.becomes(4).await;
    let unsent = register.add(1);
    drop(register);
    for call in calls {
        let error = call.await?;
        assert!(matches!(error, Err(CallError::Closed)), "{error:?}");
    }
    let error = unsent.await;
    assert!(matches!(error, Err(CallError::NotSent(SendError::ChannelClosed))), "{error:?}");
    seen.handlers.becomes(1).await;
    seen.scopes.becomes(1).await;
    assert_eq!(seen.log.has(3).await, ["Request aborted"; 3]);
    assert!(!stays.is_finished());
    drop(other);
    seen.handlers.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_scope_is_aborted_for_a_reason() -> Result<(), Box<dyn Error>> {
    let (seen, server) = office();
    let pair = pair(server);
    let desk = DeskProxy::new(&pair.client);
    let channel = desk.register(1).channel().await?;
    let register = RegisterProxy::new(&channel);
    assert_eq!(register.add(1).await?, 2);
    let call = tokio::spawn(register.wait());
    seen.handlers.becomes(1).await;
    channel.abort(&Reason::new("closing time"));
    assert!(matches!(call.await?, Err(CallError::Closed)));
    assert_eq!(seen.log.has(1).await, ["closing time"]);
    seen.handlers.becomes(0).await;
    seen.scopes.becomes(0).await;
    let error = register.add(1).await;
    assert!(matches!(error, Err(CallError::NotSent(SendError::ChannelClosed))), "{error:?}");
    assert!(matches!(register.note(String::new()).await, Err(SendError::ChannelClosed)));
    nothing_is_left(&pair).await;
    Ok(())
}

struct Held(#[expect(dead_code, reason = "it is only held")] Guard);

#[ws_handlers]
impl Held {
    fn held(&self) {}
}

#[tokio::test]
async fn a_lost_connection_ends_scopes_at_both_ends() -> Result<(), Box<dyn Error>> {
    let (seen, server) = office();
    let pair = pair(server);
    let bells = Alive::default();
    let register = DeskProxy::new(&pair.client).register(1).serve::<Held>(Held(bells.guard())).await?;
    let call = tokio::spawn(register.wait());
    seen.handlers.becomes(1).await;
    pair.peer.abort_connection().await;
    assert!(matches!(call.await?, Err(CallError::Closed)));
    seen.handlers.becomes(0).await;
    seen.scopes.becomes(0).await;
    bells.becomes(0).await;
    // Nor does one come back with another connection.
    let (near, far) = wswrapper::transport::memory::pair();
    pair.client.bind(near)?;
    pair.server.accept_transport(far)?;
    let error = register.add(1).await;
    assert!(matches!(error, Err(CallError::NotSent(SendError::ChannelClosed))), "{error:?}");
    assert_eq!(DeskProxy::new(&pair.client).register(1).await?.add(1).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_scope_can_be_refused_with_the_contracts_error() -> Result<(), Box<dyn Error>> {
    let (seen, server) = office();
    let pair = pair(server);
    let desk = DeskProxy::new(&pair.client);
    let refused = desk.locked("tin").await.map(|_| ());
    assert!(matches!(refused, Err(CallError::Rejected(Locked::Key { key })) if key == "tin"));
    assert_eq!(desk.locked("brass").await?.add(5).await?, 5);
    seen.scopes.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn the_service_calls_back_over_the_channel_that_it_was_called_on() -> Result<(), Box<dyn Error>> {
    let (_, server) = office();
    let pair = pair(server);
    let log = Log::default();
    let desk = DeskProxy::new(&pair.client);
    let register = desk.register(1).serve::<dyn Bell>(Brass(log.clone())).await?;
    let silent = desk.register(1).await?;
    assert_eq!(register.rings(21).await?, 42);
    assert_eq!(log.entries(), ["rung 21"]);
    let error = silent.rings(1).await.expect_err("nobody serves there");
    assert!(error.to_string().starts_with("No event listener for 'ring' on channel '"), "{error}");
    // Also where the caller serves when it has the channel.
    let channel = desk.register(1).channel().await?;
    channel.serve::<dyn Bell>(Brass(log.clone()));
    assert_eq!(RegisterProxy::new(&channel).rings(4).await?, 8);
    assert_eq!(log.entries().len(), 2);
    Ok(())
}

#[tokio::test]
async fn both_ends_serve_scopes_to_each_other() -> Result<(), Box<dyn Error>> {
    let (there, server) = office();
    let here = Seen::default();
    let pair = pair_with(server, Client::builder().service_as::<dyn Desk>(Office(here.clone())));
    let ours = DeskProxy::new(&pair.client).register(1).await?;
    let theirs = DeskProxy::new(&pair.peer).register(100).await?;
    assert_eq!((ours.add(1).await?, theirs.add(1).await?), (2, 101));
    drop(ours);
    there.scopes.becomes(0).await;
    assert_eq!((theirs.add(1).await?, here.scopes.count()), (102, 1));
    drop(theirs);
    here.scopes.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

/// Answers with a service that has its channel from the beginning.
struct Keeper(Log);

struct Kept {
    channel: AnonymousChannel,
    log: Log,
}

#[ws_handlers]
impl Keeper {
    async fn keep(&self, ctx: Context) -> Scoped<Kept> {
        let channel = ctx.anonymous_channel();
        let early = BellProxy::new(&channel).ring(1).await;
        self.0.add(early.map_err(|error| error.to_string()).unwrap_err());
        let kept = Kept { channel: channel.clone(), log: self.0.clone() };
        Scoped::on(&channel, kept)
    }
}

#[ws_handlers]
impl Kept {
    async fn twice(&self) -> Result<i64, Rejection> {
        let bell = BellProxy::new(&self.channel);
        let first = bell.ring(1).await.map_err(Rejection::from_display)?;
        Ok(first + bell.ring(2).await.map_err(Rejection::from_display)?)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.log.add("dropped");
    }
}

#[tokio::test]
async fn a_service_can_keep_the_channel_that_it_is_on() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let pair = pair(Server::builder().service(Keeper(log.clone())));
    let kept = KeeperProxy::new(&pair.client).keep().serve::<dyn Bell>(Brass(log.clone())).await?;
    assert_eq!(kept.twice().await?, 6);
    drop(kept);
    let early = "the channel is not open yet: return it from the handler first";
    assert_eq!(log.has(4).await, [early, "rung 1", "rung 2", "dropped"]);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_scope_inside_another_lives_on_its_own() -> Result<(), Box<dyn Error>> {
    let (seen, server) = office();
    let pair = pair(server);
    let outer = DeskProxy::new(&pair.client).register(1).await?;
    let inner = outer.below(100).await?;
    let innermost = inner.below(1_000).await?;
    drop((outer, inner));
    seen.scopes.becomes(1).await;
    assert_eq!(innermost.add(1).await?, 1_001);
    drop(innermost);
    seen.scopes.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn no_name_is_reserved_in_a_scope_and_the_contracts_channel_means_nothing() -> Result<(), Box<dyn Error>> {
    let (seen, server) = office();
    let pair = pair(server);
    let door = DeskProxy::new(&pair.client).door().await?;
    assert_eq!((door.open().await?, door.close().await?), ("opened".to_owned(), "closed".to_owned()));
    door.message("knock".to_owned()).await?;
    assert_eq!(seen.log.has(1).await, ["knock"]);
    Ok(())
}

#[tokio::test]
async fn streams_and_uploads_run_in_a_scope() -> Result<(), Box<dyn Error>> {
    let (seen, server) = office();
    let pair = pair(server);
    let register = DeskProxy::new(&pair.client).register(10).await?;
    let mut numbers = register.count().await?.window(1);
    for expected in 10..20 {
        assert_eq!(numbers.next().await.transpose()?, Some(expected));
    }
    drop(numbers);
    seen.handlers.becomes(0).await;
    assert!(register.sum(stream::iter([1, 2, 3])).await? >= 26);
    drop(register);
    seen.scopes.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn streams_and_uploads_of_a_scope_end_with_it() -> Result<(), Box<dyn Error>> {
    let (seen, server) = office();
    let pair = pair(server);
    let register = DeskProxy::new(&pair.client).register(10).await?;
    let mut numbers = register.count().await?;
    let upload = tokio::spawn(register.sum(stream::pending()));
    assert_eq!(numbers.next().await.transpose()?, Some(10));
    seen.handlers.becomes(2).await;
    drop(register);
    let error = upload.await?;
    assert!(matches!(error, Err(CallError::Closed)), "{error:?}");
    seen.handlers.becomes(0).await;
    seen.scopes.becomes(0).await;
    // What has come is still given.
    let error = loop {
        match numbers.next().await {
            Some(Ok(_)) => {}
            end => break end,
        }
    };
    assert!(matches!(error, Some(Err(CallError::Refused(_)))), "{error:?}");
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn too_many_scopes_are_rejected_and_dropped() -> Result<(), Box<dyn Error>> {
    let (seen, server) = office();
    let pair = pair(server.limits(Limits { open_channels: 2, ..Limits::default() }));
    let desk = DeskProxy::new(&pair.client);
    let (one, two) = (desk.register(1).await?, desk.register(2).await?);
    let refused = desk.register(3).await.map(|_| ());
    assert!(matches!(refused, Err(CallError::Refused(r)) if r.message() == Some("too many open channels")));
    seen.scopes.becomes(2).await;
    drop(one);
    assert_eq!(desk.register(3).await?.add(1).await?, 4);
    assert_eq!(two.add(1).await?, 3);
    Ok(())
}

#[tokio::test]
async fn a_service_that_panics_when_dropped_ends_nothing_else() -> Result<(), Box<dyn Error>> {
    let (_, server) = office();
    let pair = pair(server);
    let desk = DeskProxy::new(&pair.client);
    let register = desk.register(1).await?;
    assert_eq!(desk.bomb().await?.tick().await?, 1);
    assert_eq!(desk.quick().await?, 1);
    assert_eq!(register.add(1).await?, 2);
    until(|| pair.peer.counters().open_channels == 1).await;
    Ok(())
}

#[tokio::test]
async fn a_scope_is_on_the_wire_what_the_protocol_says() {
    let (seen, server) = office();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    for (request, response) in [
        (r#"{"a":["register",40],"i":1}"#, r#"{"i":1,"h":1}"#),
        (r#"{"a":["add",2],"h":1,"i":2}"#, r#"{"i":2,"d":42}"#),
        // A numeric string names the same channel, and `c` means nothing.
        (r#"{"a":["add",1],"h":"1","c":"io","i":3}"#, r#"{"i":3,"d":43}"#),
        (r#"{"a":["register",0],"i":1}"#, r#"{"i":1,"e":{"message":"channel '1' is open already"},"_":1}"#),
        (r#"{"a":["below",0],"h":1,"i":4}"#, r#"{"i":4,"h":1}"#),
        (r#"{"a":["add",1],"h":4,"i":5}"#, r#"{"i":5,"d":1}"#),
        (
            r#"{"a":["add","x"],"h":4,"i":6}"#,
            r#"{"i":6,"e":{"message":"argument 1 (`n`) of `add`: invalid type: string \"x\", expected i64"},"_":1}"#,
        ),
        (
            r#"{"a":["register",1],"h":4,"i":7}"#,
            r#"{"i":7,"e":{"message":"No event listener for 'register' on channel '4'"},"_":1}"#,
        ),
        (
            r#"{"a":["close"],"h":4,"i":8}"#,
            r#"{"i":8,"e":{"message":"No event listener for 'close' on channel '4'"},"_":1}"#,
        ),
    ] {
        raw.send(request).await;
        assert_eq!(raw.receive_text().await, response);
    }
    raw.send(r#"{"h":1,"x":{"message":"enough"},"_":1}"#).await;
    raw.send(r#"{"h":1,"x":{"message":"enough"},"_":1}"#).await;
    raw.send(r#"{"h":"4","x":"bare"}"#).await;
    seen.scopes.becomes(0).await;
    raw.silence().await;
    assert_eq!(peer.counters(), Counters::default());
}

#[tokio::test]
async fn a_proxy_is_on_the_wire_what_the_protocol_says() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn(DeskProxy::new(&client).register(40));
    assert_eq!(raw.receive_text().await, r#"{"a":["register",40],"i":268435457}"#);
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    let register = call.await.expect("no panic").expect("a scope");
    raw.silence().await;
    let call = tokio::spawn(register.add(2));
    assert_eq!(raw.receive_text().await, r#"{"a":["add",2],"h":268435457,"i":268435458}"#);
    raw.send(r#"{"i":268435458,"d":42}"#).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), 42);
    register.note("a".to_owned()).await.expect("it is open");
    assert_eq!(raw.receive_text().await, r#"{"a":["note","a"],"h":268435457}"#);
    drop(register);
    assert_eq!(raw.receive_text().await, r#"{"h":268435457,"x":{"message":"Request aborted"},"_":1}"#);
    raw.silence().await;
}

#[tokio::test]
async fn a_value_in_the_place_of_a_scope_is_an_error_of_the_call() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn(DeskProxy::new(&client).register(1));
    raw.receive().await;
    raw.send(r#"{"i":268435457,"d":5}"#).await;
    let error = call.await.expect("no panic").map(|_| ());
    assert!(matches!(error, Err(CallError::Decode(_))), "{error:?}");
    assert_eq!(client.counters(), Counters::default());
    raw.silence().await;
}

#[tokio::test]
async fn channels_of_both_directions_are_kept_apart_though_numbers_are_equal() {
    let seen = Seen::default();
    let (mut raw, client) = RawPeer::accept(Client::builder().service_as::<dyn Desk>(Office(seen.clone())));
    // Ours is answered first: what would take its number is refused.
    let call = tokio::spawn(DeskProxy::new(&client).register(1));
    raw.receive().await;
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    let ours = call.await.expect("no panic").expect("a scope");
    let taken = json!({"message": "channel '268435457' is open already"});
    let same = r#"{"a":["register",5],"i":268435457}"#;
    assert_eq!(raw.ask(same).await, json!({"i": 268_435_457, "e": taken, "_": 1}));
    assert_eq!(seen.scopes.count(), 0);
    // Theirs is opened first: each is found by who uses it.
    assert_eq!(raw.ask(r#"{"a":["register",5],"i":268435458}"#).await, json!({"i": 268_435_458, "h": 1}));
    let add = r#"{"a":["add",1],"h":268435458,"i":9}"#;
    assert_eq!(raw.ask(add).await, json!({"i": 9, "d": 6}));
    let call = tokio::spawn(ours.add(1));
    assert_eq!(raw.receive().await, json!({"a": ["add", 1], "h": 268_435_457, "i": 268_435_458}));
    raw.send(r#"{"i":268435458,"d":2}"#).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), 2);
    assert_eq!(raw.ask(add).await, json!({"i": 9, "d": 7}));
    drop(ours);
    assert_eq!(raw.receive().await["h"], 268_435_457);
    assert_eq!(raw.ask(add).await, json!({"i": 9, "d": 8}));
}

#[tokio::test]
async fn after_a_thousand_scopes_of_every_kind_nothing_is_left() -> Result<(), Box<dyn Error>> {
    let (seen, server) = office();
    let pair = pair(server);
    let desk = DeskProxy::new(&pair.client);
    for n in 0..1_000_i64 {
        match n % 6 {
            0 => drop(desk.register(n).await?),
            1 => assert_eq!(desk.register(n).await?.add(1).await?, n + 1),
            2 => drop((&mut desk.register(n)).now_or_never()),
            3 => {
                let register = desk.register(n).serve::<dyn Bell>(Brass(seen.log.clone())).await?;
                drop((&mut register.wait()).now_or_never());
                assert_eq!(register.rings(n).await?, 2 * n);
            }
            4 => {
                let inner = desk.register(n).await?.below(n).await?;
                assert_eq!(inner.count().await?.next().await.transpose()?, Some(n));
            }
            _ => {
                let register = desk.register(n).await?;
                let call = tokio::spawn(register.wait());
                seen.handlers.becomes(1).await;
                drop(register);
                assert!(call.await?.is_err());
            }
        }
    }
    seen.handlers.becomes(0).await;
    seen.scopes.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}
