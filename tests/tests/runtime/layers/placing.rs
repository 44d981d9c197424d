//! The places of guards and layers, and their order.

use serde_json::{json, value::RawValue};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::sleep;
use wswrapper::service::layer::{GuardCall, LayerCall, Next, Reply};
use wswrapper::{Client, Context, Router, Server, ws_handlers};
use wswrapper_tests::{Log, RawPeer, SECOND, let_others_run, pair};

struct Desk(Log);

#[ws_handlers(channel = "desk")]
impl Desk {
    pub async fn work(&self) {
        self.0.add("work");
    }
}

struct Clock;

#[ws_handlers]
impl Clock {
    pub async fn now(&self) -> u32 {
        1
    }
}

/// Returns a guard that logs its name.
fn guard(
    log: &Log,
    name: &'static str,
) -> impl Fn(&GuardCall<'_>) -> Result<(), String> + Send + Sync + 'static + use<> {
    let log = log.clone();
    move |_| {
        log.add(name);
        Ok(())
    }
}

/// Returns a layer that logs its name before and after the rest.
fn layer(
    log: &Log,
    name: &'static str,
) -> impl Fn(LayerCall, Next) -> futures_util::future::BoxFuture<'static, Reply> + Send + Sync + 'static + use<> {
    let log = log.clone();
    move |call, next| {
        let log = log.clone();
        Box::pin(async move {
            log.add(format!("{name} begins"));
            let reply = next.run(call).await;
            log.add(format!("{name} ends"));
            reply
        })
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_is_the_outermost_and_services_are_inside() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let inner = Router::new().service(Desk(log.clone())).layer(layer(&log, "inner router")).guard(guard(&log, "inner"));
    let outer = Router::new().guard(guard(&log, "outer")).merge(inner).layer(layer(&log, "outer router"));
    let server = Server::builder()
        .guard_on("desk", guard(&log, "channel"))
        .layer(layer(&log, "all"))
        .router(outer)
        .guard(guard(&log, "all too"))
        .layer_on("desk", layer(&log, "on channel"))
        .guard_on("elsewhere", guard(&log, "elsewhere"));
    let pair = pair(server);
    pair.client.channel("desk").request::<()>("work", ()).await?;
    let_others_run().await;
    let expected = [
        "all begins",
        "all too",
        "channel",
        "on channel begins",
        "outer",
        "outer router begins",
        "inner router begins",
        "inner",
        "work",
        "inner router ends",
        "outer router ends",
        "on channel ends",
        "all ends",
    ];
    assert_eq!(log.entries(), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_router_guards_its_own_services_alone() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let reject = |_: &GuardCall<'_>| Err("not here");
    let guarded = Router::new().guard(reject).service(Desk(log.clone()));
    let pair = pair(Server::builder().service(Clock).router(guarded));
    pair.server.channel("desk").on("play", || async { 2 })?;
    assert_eq!(pair.client.request::<u32>("now", ()).await?, 1);
    assert_eq!(pair.client.channel("desk").request::<u32>("play", ()).await?, 2);
    let refused = pair.client.channel("desk").request::<()>("work", ()).await.expect_err("it is rejected");
    assert_eq!(refused.to_string(), "not here");
    assert!(log.entries().is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_channel_of_a_guard_needs_a_valid_name() {
    let error = Server::builder().guard_on("", |_: &GuardCall<'_>| Ok::<(), String>(())).build();
    assert!(error.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_waits_lets_later_calls_pass_and_layers_start_in_order() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let logged = log.clone();
    let server = Server::builder().layer(move |call: LayerCall, next: Next| {
        let n: u64 = call.argument(0).unwrap_or_default();
        logged.add(format!("layer {n}"));
        async move {
            sleep(SECOND * u32::try_from(10 - n).unwrap_or_default()).await;
            next.run(call).await
        }
    });
    let pair = pair(server);
    let logged = log.clone();
    pair.server.on("note", move |n: u64| {
        logged.add(format!("handler {n}"));
        async {}
    })?;
    for n in 0..3 {
        pair.client.emit("note", (n,)).await?;
    }
    sleep(20 * SECOND).await;
    assert_eq!(log.entries(), ["layer 0", "layer 1", "layer 2", "handler 2", "handler 1", "handler 0"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_layer_stores_values_for_inner_guards_and_the_handler() -> Result<(), Box<dyn Error>> {
    #[derive(Clone, PartialEq, Debug)]
    struct User(u32);
    let server = Server::builder()
        .layer(|call: LayerCall, next: Next| async move {
            if let Some(user) = call.argument(0) {
                call.call_extensions().insert(User(user));
            }
            next.run(call).await
        })
        .guard(|call: &GuardCall<'_>| call.extension::<User>().map(drop).ok_or("who are you?"));
    let pair = pair(server);
    pair.server.on("user", |ctx: Context, _user: u32| async move { ctx.extension::<User>().map(|user| user.0) })?;
    pair.peer.extensions().insert(User(9));
    // The value of the call comes before that of the connection, and is gone after the call.
    assert_eq!(pair.client.request::<Option<u32>>("user", (5,)).await?, Some(5));
    assert!(pair.client.request::<u32>("user", ("x",)).await.is_err());
    assert_eq!(pair.peer.extension::<User>(), Some(User(9)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn guards_and_layers_see_the_call() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let (in_guard, in_layer) = (log.clone(), log.clone());
    let server = Server::builder()
        .guard(move |call: &GuardCall<'_>| {
            let shown = (call.channel(), call.event(), call.kind(), call.argument::<u32>(1), call.argument::<u32>(2));
            in_guard.add(format!("{shown:?} {:?} {:?}", call.meta().map(RawValue::get), call.time_left()));
            Ok::<(), String>(())
        })
        .layer(move |call: LayerCall, next: Next| {
            let shown = (call.channel(), call.event(), call.kind(), call.argument::<u32>(1), call.argument::<u32>(2));
            in_layer.add(format!("{shown:?} {:?} {:?}", call.meta().map(RawValue::get), call.time_left()));
            in_layer.add(call.arguments().iter().map(|json| json.get()).collect::<Vec<_>>().join("+"));
            next.run(call)
        });
    let server = server.build()?;
    let (mut raw, _peer) = RawPeer::dial(&server);
    raw.send(&json!({"c": "desk", "a": ["x", [1], 7], "i": 3, "m": {"timeout": 2_000, "k": 1}}).to_string()).await;
    raw.receive().await;
    let seen = log.entries();
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].starts_with(r#"(Some("desk"), "x", Request, Some(7), None) Some("{"#), "{}", seen[0]);
    assert_eq!(seen[2], "[1]+7");
    raw.send(r#"{"a":["y"]}"#).await;
    log.has(6).await;
    assert!(log.entries()[3].starts_with(r#"(None, "y", Event, None, None) None None"#), "{:?}", log.entries());
    Ok(())
}

/// A frame that is not JSON reaches no layer, and no guard's rejection is written for it [P-02].
#[tokio::test(start_paused = true)]
async fn a_frame_that_is_not_json_is_ignored() -> Result<(), Box<dyn Error>> {
    let layers = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&layers);
    let server = Server::builder().layer(move |call: LayerCall, next: Next| {
        counted.fetch_add(1, Ordering::Relaxed);
        next.run(call)
    });
    let rejecting = Server::builder().guard(|_: &GuardCall<'_>| Err::<(), _>("rejected"));
    for (server, ok) in [(server.build()?, 1), (rejecting.build()?, 0)] {
        let (mut raw, _peer) = RawPeer::dial(&server);
        for text in
            [r#"{"a":["x",1 2],"i":1}"#, r#"{"a":["x",],"i":1}"#, r#"{"a":["x",tru],"i":1}"#, r#"{"a":["x"],"i":1}}"#]
        {
            raw.send(text).await;
        }
        raw.silence().await;
        assert_eq!(layers.load(Ordering::Relaxed), usize::from(ok == 0));
        raw.send(r#"{"a":["x"],"i":2}"#).await;
        assert_eq!(raw.receive().await["i"], 2);
        assert_eq!(layers.load(Ordering::Relaxed), 1);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_has_guards_of_its_own() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().guard(|call: &GuardCall<'_>| if call.event() == "no" { Err("no") } else { Ok(()) });
    let pair = wswrapper_tests::pair_with(Server::builder(), client);
    for event in ["no", "yes"] {
        pair.client.on(event, || async {})?;
    }
    assert!(pair.peer.request::<()>("no", ()).await.is_err());
    pair.peer.request::<()>("yes", ()).await?;
    Ok(())
}
