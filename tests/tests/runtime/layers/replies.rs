//! The replies of layers, and what happens when they are dropped or panic.

use std::error::Error;
use std::future::pending;
use tokio::time::{Instant, sleep, timeout};
use wswrapper::observe::CallOutcome;
use wswrapper::service::layer::{GuardCall, LayerCall, Next, Reply};
use wswrapper::{CallError, Context, Server, Stream, ws_handlers, ws_service};
use wswrapper_tests::{Alive, Log, SECOND, let_others_run, nothing_is_left, pair};

#[ws_service]
trait Source {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
    async fn echo(&self, n: u32) -> u32;
}

struct Numbers;

#[ws_handlers]
impl Source for Numbers {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        futures_util::stream::iter(0..to)
    }

    async fn echo(&self, n: u32) -> u32 {
        n
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_replies_without_a_handler() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().layer(|call: LayerCall, next: Next| async move {
        match call.event() {
            "value" => Reply::value(&(1, "two")),
            "null" => Reply::value(&()),
            "json" => match serde_json::value::RawValue::from_string("[ 1 ]".to_owned()) {
                Ok(json) => Reply::json(json),
                Err(error) => Reply::reject(error.to_string()),
            },
            "unknown" => {
                let reply = next.run(call).await;
                assert_eq!(reply.outcome(), CallOutcome::Rejected { code: Some("ws:UnknownEvent") });
                assert!(!reply.is_handled());
                Reply::value("known now")
            }
            _ => next.run(call).await,
        }
    });
    let pair = pair(server.service_as::<dyn Source>(Numbers));
    assert_eq!(pair.client.request::<(u32, String)>("value", ()).await?, (1, "two".to_owned()));
    pair.client.request::<()>("null", ()).await?;
    assert_eq!(pair.client.request::<Vec<u32>>("json", ()).await?, [1]);
    assert_eq!(pair.client.request::<String>("unknown", ()).await?, "known now");
    assert_eq!(pair.client.request::<u32>("echo", (4,)).await?, 4);
    // An event has no response.
    pair.client.emit("value", ()).await?;
    assert!(pair.client.request::<()>("elsewhere", ()).await.is_err());
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_response_of_a_handler_cannot_be_replaced() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let logged = log.clone();
    let server = Server::builder().service_as::<dyn Source>(Numbers).layer(move |call: LayerCall, next: Next| {
        let log = logged.clone();
        async move {
            let reply = next.run(call).await;
            log.add(format!("{:?}", reply.outcome()));
            sleep(SECOND).await;
            assert!(reply.is_handled());
            Err::<Reply, _>("too late")
        }
    });
    let pair = pair(server);
    let began = Instant::now();
    assert_eq!(SourceProxy::new(&pair.client).echo(3).await?, 3);
    // The response does not wait for the layer.
    assert_eq!(began.elapsed().as_secs(), 0);
    let mut items = SourceProxy::new(&pair.client).count(1_000).await?;
    let mut count = 0;
    while let Some(item) = items.next().await {
        assert_eq!(item?, count);
        count += 1;
    }
    assert_eq!(count, 1_000);
    assert_eq!(log.entries(), ["Ok", "ChannelOpened"]);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_while_its_layer_waits_and_after_it() -> Result<(), Box<dyn Error>> {
    for wait in [0, 5] {
        let server =
            Server::builder().service_as::<dyn Source>(Numbers).layer(move |call: LayerCall, next: Next| async move {
                let reply = next.run(call).await;
                sleep(wait * SECOND).await;
                reply
            });
        let pair = pair(server.layer(|call: LayerCall, next: Next| next.run(call)));
        let mut items = SourceProxy::new(&pair.client).count(10_000).await?;
        for n in 0..100 {
            assert_eq!(items.next().await.transpose()?, Some(n));
        }
        // The caller stops.
        drop(items);
        sleep(10 * SECOND).await;
        nothing_is_left(&pair).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_drops_the_layers_and_the_handler() -> Result<(), Box<dyn Error>> {
    let alive = Alive::default();
    let in_layer = alive.clone();
    let server = Server::builder().layer(move |call: LayerCall, next: Next| {
        let guard = in_layer.guard();
        async move {
            let reply = next.run(call).await;
            drop(guard);
            reply
        }
    });
    let pair = pair(server);
    let (in_handler, log) = (alive.clone(), Log::default());
    let logged = log.clone();
    pair.server.on("never", move |ctx: Context| {
        let (guard, log) = (in_handler.guard(), logged.clone());
        tokio::spawn(async move { log.add(ctx.cancelled().await.to_string()) });
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    })?;
    let call = tokio::spawn(pair.client.request::<()>("never", ()));
    alive.becomes(2).await;
    call.abort();
    alive.becomes(0).await;
    assert_eq!(log.has(1).await.len(), 1);
    // The end of the connection drops them, too.
    let _call = tokio::spawn(pair.client.request::<()>("never", ()));
    alive.becomes(2).await;
    pair.peer.abort_connection();
    alive.becomes(0).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_drops_the_rest_replies_itself() -> Result<(), Box<dyn Error>> {
    let alive = Alive::default();
    let server = Server::builder().layer(|call: LayerCall, next: Next| async move {
        timeout(SECOND, next.run(call)).await.unwrap_or_else(|_| Reply::reject("it took too long"))
    });
    let pair = pair(server);
    let in_handler = alive.clone();
    pair.server.on("never", move || {
        let guard = in_handler.guard();
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    })?;
    let late = pair.client.request::<()>("never", ()).await.expect_err("it takes too long");
    assert_eq!((late.to_string().as_str(), alive.count()), ("it took too long", 0));
    pair.client.emit("never", ()).await?;
    alive.becomes(1).await;
    alive.becomes(0).await;
    assert_eq!(pair.server.status().events_dropped, 1);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn panics_reject_the_call_once() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let logged = log.clone();
    let server = Server::builder()
        .guard(|call: &GuardCall<'_>| {
            assert_ne!(call.event(), "guard");
            Ok::<(), String>(())
        })
        .layer(move |call: LayerCall, next: Next| {
            let log = logged.clone();
            assert_ne!(call.event(), "start");
            async move {
                assert_ne!(call.event(), "before");
                let (event, reply) = (call.event().to_owned(), next.run(call).await);
                log.add(format!("{event}: {:?}", reply.outcome()));
                assert_ne!(event, "after");
                tokio::task::yield_now().await;
                assert_ne!(event, "later");
                reply
            }
        })
        .guard(|call: &GuardCall<'_>| {
            assert_ne!(call.event(), "inner guard");
            Ok::<(), String>(())
        });
    let pair = pair(server);
    for event in ["guard", "start", "before", "after", "later", "inner guard"] {
        pair.server.on(event, || async { 1 })?;
    }
    pair.server.on("handler", |panics: bool| async move {
        assert!(!panics);
        1
    })?;
    for event in ["guard", "start", "before", "inner guard"] {
        let error = pair.client.request::<u32>(event, ()).await.expect_err("it panics");
        assert!(matches!(&error, CallError::Handler(_)) && error.to_string().contains("internal error"), "{error}");
    }
    // The handler had responded.
    for event in ["after", "later"] {
        assert_eq!(pair.client.request::<u32>(event, ()).await?, 1);
    }
    assert!(pair.client.request::<u32>("handler", (true,)).await.is_err());
    assert_eq!(pair.client.request::<u32>("handler", (false,)).await?, 1);
    let_others_run().await;
    let expected =
        ["after: Ok", "later: Ok", "inner guard: Panicked", "handler: Panicked", "handler: Ok"].map(str::to_owned);
    let mut logged = log.entries();
    logged.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(logged, expected);
    assert!(pair.peer.is_open());
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_passes_the_rest_to_another_task_is_told() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().layer(|call: LayerCall, next: Next| async move {
        tokio::spawn(next.run(call)).await.unwrap_or_else(|_| Reply::reject("no task"))
    });
    let pair = pair(server);
    pair.server.on("x", || async { 1 })?;
    let error = pair.client.request::<u32>("x", ()).await.expect_err("it is polled elsewhere");
    assert!(error.to_string().contains("internal error"), "{error}");
    nothing_is_left(&pair).await;
    Ok(())
}
