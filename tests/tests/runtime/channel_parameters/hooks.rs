//! The hooks `on_enter` and `on_leave`.

use super::{Doc, DocProxy, Docs, Page, PageProxy, Pages};
use std::error::Error;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use wswrapper::observe::ChannelVisit;
use wswrapper::server::ServerBuilder;
use wswrapper::service::layer::GuardCall;
use wswrapper::{CallError, Client, Limits, Router, Server};
use wswrapper_tests::{Alive, Log, Pair, RawPeer, SECOND, let_others_run, nothing_is_left, pair, pair_with, until};

/// Returns a hook that logs.
pub(super) fn logs(
    log: &Log,
    name: &'static str,
) -> impl Fn(ChannelVisit) -> std::future::Ready<()> + Send + Sync + 'static + use<> {
    let log = log.clone();
    move |visit| {
        log.add(format!("{name} {}", visit.name()));
        std::future::ready(())
    }
}

/// A server with a hook that waits for a permit before a document is entered.
fn gated(docs: &Docs, gate: &Arc<Semaphore>) -> ServerBuilder {
    let (log, gate) = (docs.0.clone(), Arc::clone(gate));
    let enter = {
        let log = log.clone();
        move |visit: ChannelVisit| {
            let (log, gate) = (log.clone(), Arc::clone(&gate));
            async move {
                log.add(format!("begins {}", visit.name()));
                gate.acquire().await.expect("the gate is open").forget();
                log.add(format!("enters {}", visit.name()));
            }
        }
    };
    Server::builder().service(docs.clone()).on_enter("doc/{id}", enter).on_leave("doc/{id}", logs(&log, "leaves"))
}

#[tokio::test(start_paused = true)]
async fn a_peer_enters_with_its_first_call_and_leaves_at_the_end() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = Server::builder()
        .service(Docs(log.clone()))
        .service(Pages(log.clone()))
        .on_enter("doc/{id}", logs(&log, "enters"))
        .on_leave("doc/{id}", logs(&log, "leaves"))
        .on_close({
            let log = log.clone();
            move |_, _| {
                log.add("closed");
                std::future::ready(())
            }
        });
    let pair = pair(server);
    let doc = DocProxy::new(&pair.client, 7);
    doc.touch("Ada").await?;
    doc.text(1).await?;
    doc.text(2).await?;
    DocProxy::new(&pair.client, 8).close().await?;
    PageProxy::new(&pair.client, "a", "b").seen().await?;
    DocProxy::new(&pair.client, 8).spawned().await?;
    let expected = ["enters doc/7", "Ada touches 7", "text of 7", "text of 7", "enters doc/8", "close", "seen"];
    assert_eq!(log.take(), expected);
    pair.client.close(1000, "");
    pair.peer.closed().await;
    let mut left = log.take();
    assert_eq!(left.pop().as_deref(), Some("closed"));
    left.sort();
    assert_eq!(left, ["leaves doc/7", "leaves doc/8"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_of_each_kind_wait_for_the_hook_and_are_handled_in_their_order() -> Result<(), Box<dyn Error>> {
    let (docs, gate) = (Docs::default(), Arc::new(Semaphore::new(0)));
    let pair = pair(gated(&docs, &gate));
    let doc = DocProxy::new(&pair.client, 7);
    doc.touch("a").await?;
    let calls = {
        let doc = doc.clone();
        async move {
            let append = doc.append(futures_util::stream::iter(["x".to_owned()]));
            let (text, lines, append, spawned) = tokio::join!(doc.text(1), doc.lines(1), append, doc.spawned());
            let mut lines = lines.expect("a stream");
            (text.ok(), lines.next().await.and_then(Result::ok), append.ok(), spawned.ok())
        }
    };
    let calls = tokio::spawn(calls);
    let_others_run().await;
    for n in 0..100 {
        doc.touch(n.to_string()).await?;
    }
    doc.close().await?;
    // Another channel does not wait, and neither do calls elsewhere.
    let other = tokio::spawn(DocProxy::new(&pair.client, 8).text(1));
    let_others_run().await;
    assert_eq!(docs.0.take(), ["begins doc/7", "begins doc/8"]);
    gate.add_permits(1);
    let_others_run().await;
    // In the same turn as the last ones that wait.
    doc.touch("late").await?;
    assert_eq!(calls.await?, (Some("7 from 1".into()), Some("7:0".into()), Some("7x".into()), Some(7)));
    let_others_run().await;
    let mut expected = vec!["enters doc/7".to_owned(), "a touches 7".to_owned(), "text of 7".to_owned()];
    expected.extend((0..100).map(|n| format!("{n} touches 7")));
    expected.extend(["close".to_owned(), "late touches 7".to_owned()]);
    assert_eq!(docs.0.take(), expected);
    gate.add_permits(1);
    other.await??;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_that_arrive_while_the_hook_returns_do_not_overtake_the_waiting_ones() -> Result<(), Box<dyn Error>> {
    let (docs, gate) = (Docs::default(), Arc::new(Semaphore::new(0)));
    let server = gated(&docs, &gate).build()?;
    let (mut raw, _peer) = RawPeer::dial(&server);
    for n in 0..3 {
        raw.send(&format!(r#"{{"c":"doc/7","a":["touch","{n}"]}}"#)).await;
    }
    let_others_run().await;
    // The frames are there when the hook is polled again.
    for n in 3..300 {
        raw.write(&format!(r#"{{"c":"doc/7","a":["touch","{n}"]}}"#));
    }
    gate.add_permits(1);
    raw.send(r#"{"c":"doc/7","i":1,"a":["spawned"]}"#).await;
    assert_eq!(raw.receive().await["d"], 7);
    let_others_run().await;
    let touches: Vec<_> = (0..300).map(|n| format!("{n} touches 7")).collect();
    assert_eq!(docs.0.take()[2..], touches);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_refuses_rejects_the_waiting_calls_and_runs_again_for_a_later_one() -> Result<(), Box<dyn Error>> {
    let (docs, refuses, runs) = (Docs::default(), Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let server = Server::builder()
        .service(docs.clone())
        .on_enter("doc/{id}", {
            let (refuses, runs) = (Arc::clone(&refuses), Arc::clone(&runs));
            move |visit: ChannelVisit| {
                let (refuses, runs) = (Arc::clone(&refuses), Arc::clone(&runs));
                async move {
                    sleep(SECOND).await;
                    let run = runs.fetch_add(1, Ordering::Relaxed) + 1;
                    let id: u64 = visit.parameter("id").ok_or("no id")?;
                    if refuses.load(Ordering::Relaxed) { Err(format!("no {id} in run {run}")) } else { Ok(()) }
                }
            }
        })
        .on_leave("doc/{id}", logs(&docs.0, "leaves"));
    let pair = pair(server);
    let doc = DocProxy::new(&pair.client, 7);
    doc.touch("a").await?;
    let message = |error: CallError<std::convert::Infallible>| match error {
        CallError::Rejected(rejection) => rejection.to_string(),
        other => panic!("{other}"),
    };
    let (first, second) = tokio::join!(doc.text(1), doc.spawned());
    assert_eq!(
        (message(first.unwrap_err()), message(second.unwrap_err())),
        ("no 7 in run 1".into(), "no 7 in run 1".into())
    );
    assert_eq!(message(doc.text(1).await.unwrap_err()), "no 7 in run 2");
    assert_eq!(pair.server.status().events_dropped, 1);
    refuses.store(false, Ordering::Relaxed);
    assert_eq!(doc.text(1).await?, "7 from 1");
    assert_eq!(doc.text(2).await?, "7 from 2");
    assert_eq!(runs.load(Ordering::Relaxed), 3);
    assert!(pair.peer.leave_channel("doc/7").await);
    assert_eq!(docs.0.take(), ["text of 7", "text of 7", "leaves doc/7"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_leaves_the_hook_to_the_next_one() -> Result<(), Box<dyn Error>> {
    let (docs, gate) = (Docs::default(), Arc::new(Semaphore::new(0)));
    let pair = pair(gated(&docs, &gate));
    let doc = DocProxy::new(&pair.client, 7);
    let (first, second) = (tokio::spawn(doc.text(1)), tokio::spawn(doc.text(2)));
    let_others_run().await;
    first.abort();
    let_others_run().await;
    gate.add_permits(1);
    assert_eq!(second.await??, "7 from 2");
    assert_eq!(docs.0.take(), ["begins doc/7", "enters doc/7", "text of 7"]);
    // The last one drops it.
    let call = tokio::spawn(DocProxy::new(&pair.client, 8).text(1));
    let_others_run().await;
    call.abort();
    let_others_run().await;
    nothing_is_left(&pair).await;
    gate.add_permits(1);
    let_others_run().await;
    assert!(!pair.peer.leave_channel("doc/8").await);
    pair.client.close(1000, "");
    pair.peer.closed().await;
    assert_eq!(docs.0.take(), ["begins doc/8", "leaves doc/7"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_disconnects_while_the_hook_runs_has_not_entered() -> Result<(), Box<dyn Error>> {
    let (log, alive) = (Log::default(), Alive::default());
    for closes in [true, false] {
        let Pair { client, peer, server: _server } = pair(server_of(&log, &alive));
        let doc = DocProxy::new(&client, 7);
        doc.touch("a").await?;
        let calls = [tokio::spawn(doc.text(1)), tokio::spawn(doc.text(2))];
        until(|| alive.count() == 1).await;
        if closes {
            client.close(1000, "");
        } else {
            client.peer().abort_connection();
        }
        peer.closed().await;
        assert_eq!(alive.count(), 0);
        for call in calls {
            assert!(call.await?.is_err());
        }
    }
    assert!(log.take().is_empty());
    Ok(())
}

fn server_of(log: &Log, alive: &Alive) -> ServerBuilder {
    let alive = alive.clone();
    Server::builder()
        .service(Docs(log.clone()))
        .on_enter("doc/{id}", move |_| {
            let guard = alive.guard();
            async move {
                let _guard = guard;
                pending::<()>().await;
            }
        })
        .on_leave("doc/{id}", logs(log, "leaves"))
}

#[tokio::test(start_paused = true)]
async fn panics_of_hooks_cost_only_their_calls() -> Result<(), Box<dyn Error>> {
    let (docs, panics) = (Docs::default(), Arc::new(AtomicBool::new(true)));
    let server = Server::builder()
        .service(docs.clone())
        .on_enter("doc/{id}", {
            let panics = Arc::clone(&panics);
            move |_| {
                assert!(!panics.load(Ordering::Relaxed), "of the test");
                async {}
            }
        })
        .on_leave("doc/{id}", |_| async { panic!("of the test") })
        .on_leave("doc/{id}", logs(&docs.0, "leaves"));
    let pair = pair(server);
    let doc = DocProxy::new(&pair.client, 7);
    let error = doc.text(1).await.expect_err("it panics");
    assert!(matches!(error, CallError::Rejected(it) if it.code() == Some("ws:Internal")));
    panics.store(false, Ordering::Relaxed);
    doc.text(1).await?;
    assert!(pair.peer.leave_channel("doc/7").await);
    doc.text(1).await?;
    pair.client.close(1000, "");
    pair.peer.closed().await;
    assert_eq!(docs.0.take(), ["text of 7", "leaves doc/7", "text of 7", "leaves doc/7"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_rejected_before_enter_nothing() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let refuse = |call: &GuardCall<'_>| if call.event() == "text" { Err("not for you") } else { Ok(()) };
    let router = Router::new().service(Docs::default()).guard(refuse).on_enter("doc/{id}", logs(&log, "enters"));
    let pair =
        pair(Server::builder().router(Router::new().merge(router)).guard_on("doc/8", |_: &GuardCall<'_>| Err("no")));
    assert!(DocProxy::new(&pair.client, 7).text(1).await.is_err());
    assert!(DocProxy::new(&pair.client, 8).spawned().await.is_err());
    for (channel, event) in [("doc/x", "spawned"), ("doc/07", "spawned"), ("doc/7", "nothing"), ("img/7", "spawned")] {
        assert!(pair.client.channel(channel).request::<u64>(event, ()).await.is_err());
    }
    assert!(log.take().is_empty());
    DocProxy::new(&pair.client, 7).spawned().await?;
    assert_eq!(log.take(), ["enters doc/7"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn several_hooks_run_in_their_order_until_one_refuses() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let router = Router::new().on_enter("{kind}/{number}", {
        let log = log.clone();
        move |visit: ChannelVisit| {
            let (kind, number) = (visit.parameter::<String>("kind"), visit.parameter::<u64>("number"));
            log.add(format!("first {kind:?} {number:?} {:?}", visit.parameter::<u64>("id")));
            async {}
        }
    });
    let server = Server::builder()
        .service(Docs::default())
        .router(router)
        .on_enter("doc/8", |_| async { Err("not eight") })
        .on_enter("doc/{id}", logs(&log, "last"))
        .on_leave("{kind}/7", logs(&log, "leaves"));
    let pair = pair(server);
    DocProxy::new(&pair.client, 7).spawned().await?;
    assert_eq!(log.take(), [r#"first Some("doc") Some(7) None"#, "last doc/7"]);
    assert!(DocProxy::new(&pair.client, 8).spawned().await.is_err());
    assert_eq!(log.take(), [r#"first Some("doc") Some(8) None"#]);
    assert!(pair.peer.leave_channel("doc/7").await);
    assert_eq!(log.take(), ["leaves doc/7"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn hooks_of_a_client_run_for_each_of_its_connections() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let client = Client::builder()
        .service(Docs::default())
        .on_enter("doc/{id}", logs(&log, "enters"))
        .on_leave("doc/{id}", logs(&log, "leaves"));
    let Pair { server, peer, client } = pair_with(Server::builder(), client);
    DocProxy::new(&peer, 7).spawned().await?;
    peer.abort_connection();
    client.peer().closed().await;
    let (local, remote) = wswrapper::transport::memory::pair();
    let peer = server.accept_transport(remote)?;
    client.rebind(local).await?;
    DocProxy::new(&peer, 7).spawned().await?;
    DocProxy::new(&peer, 7).spawned().await?;
    assert_eq!(log.take(), ["enters doc/7", "leaves doc/7", "enters doc/7"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_exact_channel_has_hooks_too() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = Server::builder()
        .service_as::<dyn Page>(Pages::default())
        .service_at::<dyn Doc>("doc/{id}", Docs::default())
        .service(Lobby)
        .on_enter("lobby", logs(&log, "enters"))
        .limits(Limits::default().max_channels_per_peer(1));
    let pair = pair(server);
    LobbyProxy::new(&pair.client).ring().await?;
    LobbyProxy::new(&pair.client).ring().await?;
    DocProxy::new(&pair.client, 7).spawned().await?;
    assert_eq!(log.take(), ["enters lobby"]);
    Ok(())
}

struct Lobby;

#[wswrapper::ws_handlers(channel = "lobby")]
impl Lobby {
    pub async fn ring(&self) {}
}
