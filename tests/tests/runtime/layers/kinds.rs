//! Each kind of call passes guards and layers. The table is generated from the list of the kinds.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use wswrapper::client::ClientBuilder;
use wswrapper::proto::Rejection;
use wswrapper::server::ServerBuilder;
use wswrapper::service::layer::{GuardCall, LayerCall, Next, Reply};
use wswrapper::{
    AnonymousChannel, CallError, Client, Context, Peer, Router, Scoped, Server, Stream, Upload, ws_handlers, ws_service,
};
use wswrapper_tests::cable::{Chance, for_each_seed};
use wswrapper_tests::{Log, Pair, RawPeer, let_others_run, nothing_is_left, pair_with};

/// A kind of call.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Request,
    Event,
    Blocking,
    Spawned,
    Stream,
    FailedStream,
    Upload,
    Scoped,
    ScopedCall,
    ScopedEvent,
    Channel,
    OwnObject,
    Closure,
    Once,
    OfPeer,
    AddedService,
    OnMain,
    UnknownRequest,
    UnknownEvent,
    UnknownChannel,
}

impl Kind {
    const ALL: [Self; 20] = [
        Self::Request,
        Self::Event,
        Self::Blocking,
        Self::Spawned,
        Self::Stream,
        Self::FailedStream,
        Self::Upload,
        Self::Scoped,
        Self::ScopedCall,
        Self::ScopedEvent,
        Self::Channel,
        Self::OwnObject,
        Self::Closure,
        Self::Once,
        Self::OfPeer,
        Self::AddedService,
        Self::OnMain,
        Self::UnknownRequest,
        Self::UnknownEvent,
        Self::UnknownChannel,
    ];

    /// The number of calls that it makes.
    fn calls(self) -> usize {
        if matches!(self, Self::ScopedCall | Self::ScopedEvent) { 2 } else { 1 }
    }

    fn is_event(self) -> bool {
        matches!(self, Self::Event | Self::ScopedEvent | Self::UnknownEvent)
    }

    fn is_unknown(self) -> bool {
        matches!(self, Self::UnknownRequest | Self::UnknownEvent | Self::UnknownChannel)
    }
}

/// The objects that the tests serve. They log the handlers that run.
#[derive(Clone)]
struct Desk(Log);

#[ws_service(channel = "desk")]
trait Work {
    async fn echo(&self, text: String) -> String;
    #[ws(event)]
    async fn note(&self, text: String);
    #[ws(blocking)]
    fn blocked(&self) -> u32;
    #[ws(spawn)]
    async fn spawned(&self) -> u32;
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
    async fn refused(&self) -> Result<impl Stream<Item = u32> + Send, String>;
    async fn sum(&self, numbers: Upload<u32>) -> u32;
    async fn register(&self) -> Scoped<dyn Register>;
    async fn channel(&self, ctx: Context) -> AnonymousChannel;
}

#[ws_service]
trait Register {
    async fn add(&self, n: u32) -> u32;
    #[ws(event)]
    async fn clear(&self);
}

#[ws_handlers]
impl Work for Desk {
    async fn echo(&self, text: String) -> String {
        self.0.add("echo");
        text
    }

    async fn note(&self, _text: String) {
        self.0.add("note");
    }

    fn blocked(&self) -> u32 {
        self.0.add("blocked");
        3
    }

    async fn spawned(&self) -> u32 {
        self.0.add("spawned");
        4
    }

    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        self.0.add("count");
        futures_util::stream::iter(0..to)
    }

    async fn refused(&self) -> Result<impl Stream<Item = u32> + Send, String> {
        self.0.add("refused");
        if self.0.entries().is_empty() { Ok(futures_util::stream::empty()) } else { Err("no items".to_owned()) }
    }

    async fn sum(&self, mut numbers: Upload<u32>) -> u32 {
        self.0.add("sum");
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }

    async fn register(&self) -> Scoped<dyn Register> {
        self.0.add("register");
        Scoped::new(self.clone())
    }

    async fn channel(&self, ctx: Context) -> AnonymousChannel {
        self.0.add("channel");
        ctx.open_channel()
    }
}

#[ws_handlers]
impl Register for Desk {
    async fn add(&self, n: u32) -> u32 {
        self.0.add("add");
        n + 1
    }

    async fn clear(&self) {
        self.0.add("clear");
    }
}

/// A service with an object for each connection.
struct Own(Log);

#[ws_handlers(channel = "own")]
impl Own {
    pub async fn whoami(&self) -> String {
        self.0.add("whoami");
        "you".to_owned()
    }
}

/// Serves all kinds, and returns what the handlers log.
fn served(builder: ServerBuilder) -> (Pair, Log) {
    let log = Log::default();
    let (desk, for_own) = (Desk(log.clone()), log.clone());
    let builder = builder.service_as::<dyn Work>(desk).service_with(move |_| {
        for_own.add("made");
        Own(for_own.clone())
    });
    let pair = pair_with(builder, ClientBuilder::default());
    let logging = |event: &'static str| {
        let log = log.clone();
        move |n: u32| {
            log.add(event);
            async move { n }
        }
    };
    pair.server.on("closure", logging("closure")).expect("a valid name");
    pair.server.once("once", logging("once")).expect("a valid name");
    pair.peer.on("of peer", logging("of peer")).expect("a valid name");
    pair.peer.channel("added").serve::<dyn Register>(Desk(log.clone())).expect("a valid name");
    (pair, log)
}

type Failed = CallError<Rejection>;

/// Makes a call, and returns a text of its result.
async fn call(kind: Kind, client: &Client) -> Result<String, String> {
    let desk = WorkProxy::new(client);
    let text = |error: &dyn std::fmt::Display| error.to_string();
    macro_rules! shown {
        ($call:expr) => {
            $call.map(|value| format!("{value:?}")).map_err(|error| text(&error))
        };
    }
    match kind {
        Kind::Request => shown!(desk.echo("a".to_owned()).await),
        Kind::Event => shown!(desk.note("a".to_owned()).await),
        Kind::Blocking => shown!(desk.blocked().await),
        Kind::Spawned => shown!(desk.spawned().await),
        Kind::Stream => {
            let mut items = desk.count(3).await.map_err(|error| text(&error))?;
            let mut all = Vec::new();
            while let Some(item) = items.next().await {
                all.push(item.map_err(|error| text(&error))?);
            }
            Ok(format!("{all:?}"))
        }
        Kind::FailedStream => desk.refused().await.map(|_| String::new()).map_err(|error| text(&error)),
        Kind::Upload => shown!(desk.sum(futures_util::stream::iter(0..100)).await),
        Kind::Scoped => desk.register().await.map(|_| "a register".to_owned()).map_err(|error| text(&error)),
        Kind::ScopedCall => {
            let register = desk.register().await.map_err(|error| text(&error))?;
            shown!(register.add(1).await)
        }
        Kind::ScopedEvent => {
            let register = desk.register().await.map_err(|error| text(&error))?;
            let cleared = shown!(register.clear().await);
            client.flush().await.map_err(|error| text(&error))?;
            let_others_run().await;
            cleared
        }
        Kind::Channel => desk.channel().await.map(|_| "a channel".to_owned()).map_err(|error| text(&error)),
        Kind::OwnObject => shown!(client.channel("own").request::<String>("whoami", ()).await as Result<_, Failed>),
        Kind::Closure => shown!(client.request::<u32>("closure", (1,)).await as Result<_, Failed>),
        Kind::Once => shown!(client.request::<u32>("once", (1,)).await as Result<_, Failed>),
        Kind::OfPeer => shown!(client.request::<u32>("of peer", (1,)).await as Result<_, Failed>),
        Kind::AddedService => shown!(client.channel("added").request::<u32>("add", (1,)).await as Result<_, Failed>),
        Kind::OnMain => shown!(client.request::<u32>("closure", (5,)).await as Result<_, Failed>),
        Kind::UnknownRequest => shown!(client.request::<u32>("unknown", ()).await as Result<_, Failed>),
        Kind::UnknownEvent => shown!(client.emit("unknown", ()).await),
        Kind::UnknownChannel => shown!(client.channel("nowhere").request::<u32>("x", ()).await as Result<_, Failed>),
    }
}

/// Calls, waits until everything has ended, and returns the result and the handlers that have run.
async fn outcome(
    kind: Kind,
    builder: ServerBuilder,
) -> Result<(Result<String, String>, Vec<String>, Pair), Box<dyn Error>> {
    let (pair, log) = served(builder);
    let result = call(kind, &pair.client).await;
    pair.client.flush().await?;
    let_others_run().await;
    nothing_is_left(&pair).await;
    Ok((result, log.entries(), pair))
}

/// Counts the calls that pass a guard and a layer.
#[derive(Clone, Default)]
struct Passed(Arc<AtomicUsize>);

impl Passed {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_handled_as_without_guards_and_layers() -> Result<(), Box<dyn Error>> {
    for kind in Kind::ALL {
        let (plain, ran, _) = outcome(kind, Server::builder()).await?;
        let (guarded, layered) = (Passed::default(), Passed::default());
        let (in_guard, in_layer) = (guarded.clone(), layered.clone());
        let builder = Server::builder()
            .guard(move |_: &GuardCall<'_>| {
                in_guard.add();
                Ok::<(), String>(())
            })
            .layer(move |call: LayerCall, next: Next| {
                let passed = in_layer.clone();
                async move {
                    tokio::task::yield_now().await;
                    let reply = next.run(call).await;
                    // What the layer does after the response does not change it.
                    tokio::task::yield_now().await;
                    passed.add();
                    reply
                }
            })
            .layer(|call: LayerCall, next: Next| next.run(call));
        let (passed, ran_behind, pair) = outcome(kind, builder).await?;
        assert_eq!((&passed, &ran_behind), (&plain, &ran), "{kind:?}");
        assert_eq!((guarded.count(), layered.count()), (kind.calls(), kind.calls()), "{kind:?}");
        assert_eq!(pair.server.status().events_dropped, u64::from(kind == Kind::UnknownEvent), "{kind:?}");
    }
    Ok(())
}

/// A way to reject calls.
type Reject = fn(ServerBuilder, Passed) -> ServerBuilder;

#[tokio::test(start_paused = true)]
async fn what_is_rejected_reaches_no_handler() -> Result<(), Box<dyn Error>> {
    let ways: [(&str, Reject); 4] = [
        ("a guard", |builder, passed| {
            builder.guard(move |_: &GuardCall<'_>| {
                passed.add();
                Err("rejected")
            })
        }),
        ("a layer", |builder, passed| {
            builder.layer(move |_: LayerCall, _: Next| {
                passed.add();
                async { Reply::reject("rejected") }
            })
        }),
        ("a layer that waits", |builder, passed| {
            builder.layer(|call: LayerCall, next: Next| next.run(call)).layer(move |_: LayerCall, _: Next| {
                passed.add();
                async {
                    tokio::task::yield_now().await;
                    Err::<Reply, _>("rejected")
                }
            })
        }),
        ("a guard behind a layer", |builder, passed| {
            builder.layer(|call: LayerCall, next: Next| next.run(call)).guard(move |_: &GuardCall<'_>| {
                passed.add();
                Err("rejected")
            })
        }),
    ];
    for (way, reject) in ways {
        for kind in Kind::ALL {
            let passed = Passed::default();
            let (result, ran, pair) = outcome(kind, reject(Server::builder(), passed.clone())).await?;
            assert_eq!((ran, passed.count()), (vec![], 1), "{kind:?} behind {way}");
            let is_dropped = kind.is_event() && kind.calls() == 1;
            assert_eq!(pair.server.status().events_dropped, u64::from(is_dropped), "{kind:?} behind {way}");
            if is_dropped {
                assert_eq!(result, Ok("()".to_owned()));
            } else {
                let error = result.expect_err("it is rejected");
                assert!(error.contains("rejected"), "{kind:?} behind {way}: {error}");
            }
            // A one-shot handler is still there.
            if kind == Kind::Once {
                assert!(pair.server.event_names().contains(&"once".to_owned()), "{way}");
            }
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_inside_a_scoped_service_are_rejected_alone() -> Result<(), Box<dyn Error>> {
    for kind in [Kind::ScopedCall, Kind::ScopedEvent] {
        let builder = Server::builder().guard(|call: &GuardCall<'_>| {
            if call.is_on_anonymous_channel() { Err(format!("no {}", call.event())) } else { Ok(()) }
        });
        let (result, ran, pair) = outcome(kind, builder).await?;
        assert_eq!(ran, ["register"]);
        assert_eq!(pair.server.status().events_dropped, u64::from(kind.is_event()));
        if !kind.is_event() {
            assert!(result.expect_err("it is rejected").contains("no add"));
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_layer_knows_which_events_have_handlers() -> Result<(), Box<dyn Error>> {
    for kind in Kind::ALL {
        let known = Arc::new(AtomicBool::new(true));
        let seen = Arc::clone(&known);
        let builder = Server::builder().layer(move |call: LayerCall, next: Next| {
            seen.fetch_and(call.has_handler(), Ordering::Relaxed);
            next.run(call)
        });
        drop(outcome(kind, builder).await?);
        assert_eq!(known.load(Ordering::Relaxed), !kind.is_unknown(), "{kind:?}");
    }
    Ok(())
}

/// The peer of a client is served in the same way.
#[tokio::test(start_paused = true)]
async fn calls_of_a_server_pass_the_guards_of_its_client() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let router = Router::new().service_as::<dyn Work>(Desk(log.clone()));
    let client = Client::builder().router(router).guard(|call: &GuardCall<'_>| {
        if call.argument::<String>(0).as_deref() == Some("no") { Err("rejected") } else { Ok(()) }
    });
    let pair = pair_with(Server::builder(), client);
    let peer: &Peer = &pair.peer;
    assert_eq!(WorkProxy::new(peer).echo("yes".to_owned()).await?, "yes");
    assert!(WorkProxy::new(peer).echo("no".to_owned()).await.is_err());
    assert_eq!(log.entries(), ["echo"]);
    Ok(())
}

/// Returns a frame that may be a call: one of some shapes, with some bytes changed.
fn frame(chance: &mut Chance) -> String {
    const EVENTS: [&str; 10] =
        ["echo", "note", "count", "sum", "register", "closure", "once", "of peer", "whoami", "unknown"];
    const CHANNELS: [&str; 6] =
        [r#""c":"desk","#, r#""c":"own","#, r#""c":"added","#, r#""c":"nowhere","#, r#""h":1,"#, ""];
    const ARGUMENTS: [&str; 6] = ["", r#","a""#, ",1", ",[],{}", ",-0", r#","\u0000""#];
    const ENDS: [&str; 5] = ["", r#","i":7"#, r#","i":7,"m":{"t":5,"r":[]}"#, r#","i":"7""#, r#","m":1"#];
    let (event, channel) = (chance.one_of(&EVENTS), chance.one_of(&CHANNELS));
    let (arguments, end) = (chance.one_of(&ARGUMENTS), chance.one_of(&ENDS));
    let mut text = format!(r#"{{{channel}"a":["{event}"{arguments}]{end}}}"#).into_bytes();
    for _ in 0..chance.between(0, 2) {
        let (at, with) = (chance.between(0, text.len() - 1), chance.one_of(br#"{}[]",:10ae \"#));
        match chance.between(0, 2) {
            0 => text[at] = with,
            1 => text.insert(at, with),
            _ => drop(text.remove(at)),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// No frame reaches a handler whose guard rejects, whatever its bytes are.
#[test]
fn no_frame_reaches_a_handler_whose_guard_rejects() {
    for_each_seed(0..50, |mut chance: Chance| async move {
        let behind_a_layer = chance.one_in(2);
        let mut builder = Server::builder();
        if behind_a_layer {
            builder = builder.layer(|call: LayerCall, next: Next| next.run(call));
        }
        let (pair, log) = served(builder.guard(|_: &GuardCall<'_>| Err("rejected")));
        let (mut raw, _peer) = RawPeer::dial(&pair.server);
        for _ in 0..200 {
            raw.send(&frame(&mut chance)).await;
        }
        let_others_run().await;
        assert_eq!(log.entries(), [""; 0]);
    });
}
