//! Settings of the requests of a handle, and calls that are sent again after a rejection.

use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::time::{Instant, sleep};
use wswrapper::error::Rejection;
use wswrapper::{CallError, Client, Server, ws_handlers};
use wswrapper_tests::{RawPeer, SECOND, nothing_is_left, pair};

#[tokio::test(start_paused = true)]
async fn requests_of_a_handle_have_its_timeout_and_metadata() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let peer = client.peer().with_timeout(3 * SECOND).with_meta("tenant", "a\"b")?.with_meta("trial", &[1, 2])?;
    for channel in [false, true] {
        let call = if channel { peer.channel("desk").request::<()>("x", ()) } else { peer.request::<()>("x", ()) };
        let call = tokio::spawn(call);
        let began = Instant::now();
        assert_eq!(raw.receive().await["m"], json!({"t": 3_000, "tenant": "a\"b", "trial": [1, 2]}));
        assert!(matches!(call.await?, Err(CallError::TimedOut)));
        assert_eq!(began.elapsed(), 3 * SECOND);
        raw.receive().await;
    }
    // A call may have a timeout of its own, and the handle that it came from has none.
    let call = tokio::spawn(peer.request::<()>("x", ()).timeout(SECOND));
    assert_eq!(raw.receive().await["m"]["t"], 1_000);
    assert!(call.await?.is_err());
    raw.receive().await;
    let call = tokio::spawn(client.request::<()>("x", ()));
    assert!(raw.receive().await["m"].is_null());
    call.abort();
    raw.receive().await;
    // Events carry none.
    peer.emit("x", ()).await?;
    assert_eq!(raw.receive().await, json!({"a": ["x"]}));
    for name in ["", "t", "tp"] {
        assert!(client.peer().with_meta(name, &1).is_err(), "{name}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_handle_with_settings_keeps_a_client_as_its_own_handle_does() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let peer = client.peer().with_timeout(SECOND);
    drop(client);
    peer.emit("x", ()).await?;
    assert_eq!(raw.receive().await, json!({"a": ["x"]}));
    drop(peer);
    assert!(matches!(raw.frame().await, Some(wswrapper::transport::Frame::Close(close)) if close.code == 1000));
    Ok(())
}

struct Busy {
    rejections: u32,
    calls: Arc<AtomicU32>,
}

#[ws_handlers]
impl Busy {
    #[ws(idempotent)]
    pub async fn price(&self) -> Result<u32, Rejection> {
        match self.calls.fetch_add(1, Ordering::Relaxed) {
            call if call < self.rejections => Err(Rejection::new("busy").with_retry_after(2 * SECOND)),
            _ => Ok(7),
        }
    }

    pub async fn order(&self) -> Result<u32, Rejection> {
        self.price().await
    }
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_call_is_sent_again_after_a_rejection_when_asked() -> Result<(), Box<dyn Error>> {
    let calls = Arc::<AtomicU32>::default();
    let pair = pair(Server::builder().service(Busy { rejections: 3, calls: Arc::clone(&calls) }));
    let busy = BusyProxy::new(&pair.client);
    let counted = || calls.swap(0, Ordering::Relaxed);
    let began = Instant::now();
    assert_eq!(busy.price().retry_rejected(5).await?, 7);
    assert_eq!((counted(), began.elapsed()), (4, 6 * SECOND));
    // Not asked, too seldom, or not idempotent.
    assert!(busy.price().await.is_err());
    assert_eq!(counted(), 1);
    assert!(busy.price().retry_rejected(2).await.is_err());
    assert_eq!(counted(), 3);
    assert!(busy.order().retry_rejected(5).await.is_err());
    assert_eq!(counted(), 1);
    // The timeout of the call holds for all of it.
    let began = Instant::now();
    let late = busy.price().retry_rejected(5).timeout(3 * SECOND).await;
    assert!(matches!(late, Err(CallError::Handler(_))), "{late:?}");
    assert_eq!((counted(), began.elapsed()), (2, 2 * SECOND));
    // Dropping it ends the wait.
    let waiting = tokio::spawn(busy.price().retry_rejected(5));
    sleep(SECOND).await;
    waiting.abort();
    sleep(10 * SECOND).await;
    assert_eq!(counted(), 1);
    nothing_is_left(&pair).await;
    Ok(())
}
