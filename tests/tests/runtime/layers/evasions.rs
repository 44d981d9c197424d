//! Ways around guards, limits and authentication, all of which are closed.

use futures_util::{StreamExt, stream};
use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;
use tokio::time::{advance, sleep, timeout};
use wswrapper::error::Rejection;
use wswrapper::server::FirstMessage;
use wswrapper::service::layer::{self, GuardCall, LayerCall, Next};
use wswrapper::{CallError, Context, Limits, Router, Scoped, Server, Stream, Upload, ws_handlers, ws_service};
use wswrapper_tests::{Alive, Log, RawPeer, SECOND, let_others_run, pair};

#[ws_service]
trait Below {
    async fn danger(&self) -> u32;
}

#[derive(Clone)]
struct Desk(Log);

#[ws_handlers]
impl Below for Desk {
    async fn danger(&self) -> u32 {
        self.0.add("danger");
        1
    }
}

#[ws_handlers(channel = "desk")]
impl Desk {
    pub async fn open(&self) -> Scoped<dyn Below> {
        Scoped::new(self.clone())
    }

    pub async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter(0..to)
    }

    pub async fn login(&self, _tokens: Upload<String>) -> Result<u32, Rejection> {
        Err(Rejection::new("wrong token"))
    }

    #[ws(spawn)]
    pub async fn spawned(&self, ctx: Context) -> Result<u32, String> {
        ctx.peer().request("inner", ()).await.map_err(|error: CallError<Rejection>| error.to_string())
    }
}

#[derive(Clone)]
struct Right(bool);

fn right(call: &GuardCall<'_>) -> Result<(), &'static str> {
    call.extension::<Right>().filter(|right| right.0).map(drop).ok_or("the right is missing")
}

#[tokio::test(start_paused = true)]
async fn the_calls_of_a_scoped_service_pass_the_guards_of_its_channel_and_router() -> Result<(), Box<dyn Error>> {
    let passed = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&passed);
    let count = move |_: &GuardCall<'_>| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok::<(), String>(())
    };
    let servers = [
        Server::builder().router(Router::new().service_as::<Desk>(Desk(Log::default())).guard(right)),
        Server::builder().service_as::<Desk>(Desk(Log::default())).guard_on("desk", right),
        Server::builder()
            .layer(|call: LayerCall, next: Next| next.run(call))
            .guard(count)
            .router(Router::new().service_as::<Desk>(Desk(Log::default())).layer(layer::timeout(SECOND)).guard(right)),
    ];
    for server in servers {
        let pair = pair(server);
        pair.peer.extensions().insert(Right(true));
        let below = DeskProxy::new(&pair.client).open().await?;
        below.danger().await?;
        pair.peer.extensions().insert(Right(false));
        assert!(DeskProxy::new(&pair.client).open().await.is_err());
        let refused = below.danger().await.expect_err("the right was taken away");
        assert_eq!(refused.to_string(), "the right is missing");
    }
    // Those of all calls are asked once.
    assert_eq!(passed.load(Ordering::Relaxed), 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_guard_is_asked_once_for_a_call() -> Result<(), Box<dyn Error>> {
    for frame in [json!({"a": ["n", 1], "i": 1}), json!({"a": ["n", "one"], "i": 1}), json!({"a": ["unknown"], "i": 1})]
    {
        let asked = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&asked);
        let guard = move |_: &GuardCall<'_>| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<(), String>(())
        };
        let server = Server::builder().guard(guard).build()?;
        server.on("n", |n: u32| async move { n })?;
        let (mut raw, _peer) = RawPeer::dial(&server);
        raw.send(&frame.to_string()).await;
        raw.receive().await;
        assert_eq!(asked.load(Ordering::Relaxed), 1, "{frame}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_time_is_over_starts_no_handler() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let pair = pair(Server::builder().layer(|mut call: LayerCall, next: Next| async move {
        call.shorten(SECOND);
        sleep(5 * SECOND).await;
        next.run(call).await
    }));
    pair.server.on("pay", log.handler())?;
    let late = pair.client.request::<()>("pay", ("x",)).await.expect_err("it is late");
    assert_eq!((late.to_string().as_str(), log.entries()), ("the time of the call is over", vec![]));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn layers_that_go_on_behind_finished_streams_count_as_handlers() -> Result<(), Box<dyn Error>> {
    let alive = Alive::default();
    let held = alive.clone();
    let limits = Limits::default().max_handlers_in_flight(4);
    let server = Server::builder().limits(limits).service_as::<Desk>(Desk(Log::default()));
    let pair = pair(server.layer(move |call: LayerCall, next: Next| {
        let guard = held.guard();
        async move {
            let reply = next.run(call).await;
            sleep(600 * SECOND).await;
            drop(guard);
            reply
        }
    }));
    let desk = DeskProxy::new(&pair.client);
    let mut streams = 0;
    while let Ok(items) = timeout(10 * SECOND, desk.count(2)).await {
        assert_eq!(items?.collect::<Vec<_>>().await.len(), 2);
        streams += 1;
        assert!(streams < 100, "nothing stops it");
    }
    let_others_run().await;
    assert!(alive.count() <= 4, "{}", alive.count());
    assert_eq!(pair.peer.counters().handlers_in_flight, alive.count());
    Ok(())
}

/// A server whose login says until when it is valid, and the calls that its handlers got.
fn server(log: &Log) -> Result<Server, Box<dyn Error>> {
    let server = Server::builder().first_message(FirstMessage::request("login")).build()?;
    server.on("login", |ctx: Context, user: String, seconds: i64| async move {
        let now = SystemTime::now();
        let time = SECOND * u32::try_from(seconds.abs()).unwrap_or_default();
        ctx.peer().authenticated_until(user, if seconds < 0 { now - time } else { now + time });
    })?;
    server.on("secret", log.handler())?;
    Ok(server)
}

#[tokio::test(start_paused = true)]
async fn no_call_behind_an_expired_login_is_handled() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = server(&log)?;
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.write(&json!({"a": ["login", "Ada", -60], "i": 1}).to_string());
    for n in 2..1_000 {
        raw.write(&json!({"a": ["secret", "x"], "i": n}).to_string());
    }
    raw.send(&json!({"a": ["secret", "x"]}).to_string()).await;
    assert_eq!(peer.closed().await.code, 4401);
    assert_eq!(log.entries(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_call_after_the_expiry_is_handled() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = server(&log)?;
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.send(&json!({"a": ["login", "Ada", 1], "i": 1}).to_string()).await;
    raw.receive().await;
    // It is there when the task of the connection runs next.
    raw.write(&json!({"a": ["secret", "x"], "i": 2}).to_string());
    advance(5 * SECOND).await;
    raw.send(&json!({"a": ["secret", "x"], "i": 3}).to_string()).await;
    assert_eq!(peer.closed().await.code, 4401);
    assert_eq!(log.entries(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_call_behind_the_login_of_another_user_is_handled() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = server(&log)?;
    let (mut raw, _peer) = RawPeer::dial(&server);
    raw.write(&json!({"a": ["login", "Ada", 60], "i": 1}).to_string());
    raw.write(&json!({"a": ["login", "Bob", 60], "i": 2}).to_string());
    raw.send(&json!({"a": ["secret", "x"], "i": 3}).to_string()).await;
    let_others_run().await;
    raw.send(&json!({"a": ["secret", "x"], "i": 4}).to_string()).await;
    let_others_run().await;
    assert_eq!(log.entries(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_call_behind_a_close_of_a_handler_is_handled() -> Result<(), Box<dyn Error>> {
    let (server, log) = (Server::builder().build()?, Log::default());
    server.on("bye", |ctx: Context| async move { ctx.peer().close(4000, "") })?;
    server.on("note", log.handler())?;
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.write(r#"{"a":["bye"]}"#);
    for _ in 0..100 {
        raw.write(r#"{"a":["note","x"]}"#);
    }
    raw.close(1000, "").await;
    assert_eq!(peer.closed().await.code, 4000);
    assert_eq!(log.entries(), [""; 0]);
    Ok(())
}

/// Its channel is open before its handler has judged.
#[tokio::test(start_paused = true)]
async fn an_upload_that_fails_is_no_login() -> Result<(), Box<dyn Error>> {
    let first = FirstMessage::request("login").on_channel("desk");
    let pair = pair(Server::builder().first_message(first).service_as::<Desk>(Desk(Log::default())));
    let desk = DeskProxy::new(&pair.client);
    let failed = desk.login(stream::iter(["x".to_owned()])).await;
    assert!(failed.is_err());
    let refused = desk.count(1).await.err().map(|error| error.to_string());
    assert_eq!(refused.as_deref(), Some("log in first"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_trace_of_a_spawned_handler_goes_on_behind_a_layer() -> Result<(), Box<dyn Error>> {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for layered in [false, true] {
        let mut server = Server::builder().service_as::<Desk>(Desk(Log::default()));
        if layered {
            server = server.layer(layer::timeout(60 * SECOND));
        }
        let server = server.build()?;
        let (mut raw, _peer) = RawPeer::dial(&server);
        raw.send(&json!({"c": "desk", "a": ["spawned"], "i": 1, "m": {"tp": trace}}).to_string()).await;
        let frame = raw.receive().await;
        assert_eq!((frame["a"][0].clone(), frame["m"]["tp"].clone()), ("inner".into(), trace.into()), "{layered}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_guard_panics_is_counted_as_dropped() -> Result<(), Box<dyn Error>> {
    let guard = |call: &GuardCall<'_>| {
        assert_ne!(call.event(), "panics");
        Ok::<(), String>(())
    };
    let pair = pair(Server::builder().guard(guard));
    pair.client.emit("panics", ()).await?;
    pair.client.flush().await?;
    let_others_run().await;
    assert_eq!(pair.server.status().events_dropped, 1);
    Ok(())
}
