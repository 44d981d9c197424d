//! The status of a server.

use futures_util::stream;
use serde_json::json;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wswrapper::error::Rejection;
use wswrapper::transport::memory;
use wswrapper::{Client, Limits, Scoped, Server, Stream, Streaming, ws_handlers};
use wswrapper_tests::{RawPeer, let_others_run, pair, until};

struct Desk;

struct Empty;

#[ws_handlers]
impl Empty {
    #[ws(handler)]
    async fn nothing(&self) {}
}

#[ws_handlers]
impl Desk {
    #[ws(handler)]
    async fn wait(&self) {
        std::future::pending::<()>().await;
    }

    #[ws(handler)]
    async fn endless(&self) -> impl Stream<Item = u32> + Send {
        stream::pending()
    }

    #[ws(handler)]
    async fn scoped(&self) -> Scoped<Empty> {
        Scoped::new(Empty)
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_has_the_numbers_of_all_connections() -> Result<(), Box<dyn Error>> {
    // The raw peer answers no pings.
    let limits = Limits::default().heartbeat_interval(None);
    let pair = pair(Server::builder().limits(limits).service(Desk));
    let (mut raw, peer) = RawPeer::dial(&pair.server);
    let _items: Streaming<u32, Rejection> = pair.client.request("endless", ()).await?;
    raw.write(r#"{"a":["scoped"],"i":1}"#);
    raw.write(r#"{"a":["wait"],"i":2}"#);
    raw.send(r#"{"a":["unknown"]}"#).await;
    let _call = tokio::spawn(peer.request::<()>("ask", ()));
    until(|| peer.counters().handlers_in_flight == 1 && peer.counters().calls_in_flight == 1).await;
    tokio::time::sleep(Duration::from_secs(90)).await;
    let uptime = pair.server.status().uptime;
    assert!((90..95).contains(&uptime.as_secs()), "{uptime:?}");
    assert_eq!(
        serde_json::to_value(pair.server.status())?,
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "uptime": uptime.as_secs(),
            "draining": false,
            "connections": 2,
            "rooms": 0,
            "users": 0,
            "handlers_in_flight": 1,
            "calls_in_flight": 1,
            "open_channels": 2,
            "open_streams": 1,
            "blocked_threads": 0,
            "background_tasks": 0,
            "queued_bytes": 0,
            "buffered_bytes": 0,
            // The request of the stream, and the three messages of the raw peer; two channels and a call.
            "received_messages": 4,
            "received_bytes": 90,
            "sent_messages": 3,
            "sent_bytes": 61,
            "events_dropped": 1,
            "events_left_out": 0,
            "events_replaced": 0,
            "closed_for_full_queue": 0,
        })
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn lost_messages_still_count_when_their_connection_is_closed() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_outbound_bytes(100).write_timeout(Duration::from_secs(1));
    let server = Server::builder().limits(limits).build()?;
    let (local, remote) = memory::builder().capacity(16).pair();
    let control = local.control();
    let mut raw = RawPeer::on(local);
    let peer = server.accept_transport(remote)?;
    raw.send("{}").await;
    raw.send(r#"{"a":["x"]}"#).await;
    until(|| server.status().events_dropped == 1).await;
    control.stall();
    let mut left_out = 0;
    while left_out < 3 {
        left_out += server.broadcast().emit("news", ("x".repeat(200),)).await?.failed.len() as u64;
        let_others_run().await;
    }
    let status = server.status();
    assert_eq!((status.events_left_out, status.connections), (left_out, 1));
    assert!(status.queued_bytes > 0 && status.buffered_bytes > 0, "{status:?}");
    peer.closed().await;
    let status = server.status();
    assert_eq!((status.events_left_out, status.events_dropped, status.connections), (left_out, 1, 0));
    assert_eq!((status.queued_bytes, status.buffered_bytes), (0, 0));
    assert_eq!((status.received_messages, status.received_bytes), (2, 13));
    Ok(())
}

/// Reads the number of received messages when it is dropped.
struct AsksWhenDropped(Server, Arc<Mutex<Vec<u64>>>);

impl Drop for AsksWhenDropped {
    fn drop(&mut self) {
        let status = self.0.status();
        self.1.lock().unwrap().push(status.received_messages);
    }
}

#[tokio::test(start_paused = true)]
async fn totals_do_not_fall_while_a_connection_ends() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let (near, far) = memory::pair();
    let peer = server.accept_transport(far)?;
    let client = Client::connect_transport(near)?;
    let totals = Arc::<Mutex<Vec<u64>>>::default();
    let (own, seen) = (server.clone(), Arc::clone(&totals));
    server.on("wait", move || {
        let guard = AsksWhenDropped(own.clone(), Arc::clone(&seen));
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }
    })?;
    for _ in 0..100 {
        client.emit("unknown", ()).await?;
    }
    let call = tokio::spawn(client.request::<()>("wait", ()));
    let_others_run().await;
    totals.lock().unwrap().push(server.status().received_messages);
    client.peer().abort_connection();
    peer.closed().await;
    drop(call.await);
    totals.lock().unwrap().push(server.status().received_messages);
    let totals = totals.lock().unwrap().clone();
    assert!(totals.is_sorted(), "{totals:?}");
    Ok(())
}
