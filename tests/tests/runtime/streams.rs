//! Streams from handlers.

mod concurrent;
mod finish;
mod finish_without_credit;
mod flow_control;
mod full_window;
mod javascript;
mod return_types;
mod sources;

use futures_util::FutureExt;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;
use wswrapper::transport::Frame;
use wswrapper::{CallError, Client, Limits, Streaming, WsError, error::Rejection};
use wswrapper_tests::{RawPeer, item, let_others_run};

/// Returns all items of a stream. Panics at an error.
async fn all<T, E>(items: Streaming<T, E>) -> Vec<T>
where
    T: DeserializeOwned,
    E: WsError<Remote: Debug>,
{
    let (items, error) = until_error(items).await;
    assert!(error.is_none(), "{error:?}");
    items
}

/// Returns the items of a stream and the error that finished it, if any. Nothing may follow the error.
async fn until_error<T, E>(mut items: Streaming<T, E>) -> (Vec<T>, Option<CallError<E::Remote>>)
where
    T: DeserializeOwned,
    E: WsError,
{
    let (mut all, mut error) = (Vec::new(), None);
    while let Some(item) = items.next().await {
        assert!(error.is_none(), "an item followed the error");
        match item {
            Ok(item) => all.push(item),
            Err(it) => error = Some(it),
        }
    }
    for _ in 0..3 {
        assert!(items.next().await.is_none());
    }
    (all, error)
}

/// Requests an item, and checks that it has not arrived yet.
fn request_item<T: DeserializeOwned, E: WsError>(items: &mut Streaming<T, E>) {
    assert!(items.next().now_or_never().is_none(), "an item has already arrived");
}

/// Takes an item that has arrived.
fn take_buffered(items: &mut Streaming<u32, Rejection>) -> u32 {
    items.next().now_or_never().expect("an item has arrived").expect("the stream has not finished").expect("an item")
}

/// Returns a raw peer, a stream from it, and the number of the stream's channel.
async fn stream_of_raw(limits: Limits) -> (RawPeer, Streaming<u32, Rejection>, u64) {
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits));
    let call = tokio::spawn(client.request::<Streaming<u32, Rejection>>("count", ()));
    let id = raw.receive().await["i"].as_u64().expect("a request");
    raw.send(&json!({"i": id, "h": 1}).to_string()).await;
    (raw, call.await.expect("no panic").expect("a stream"), id)
}

/// Checks that only a close frame follows. The stream was the last handle of its connection.
async fn expect_close(mut raw: RawPeer) {
    let frame = raw.frame().await;
    assert!(matches!(frame, Some(Frame::Close(_))), "{frame:?}");
}

/// Returns the event that finishes a stream.
fn done(channel: u64) -> Value {
    json!({"a": ["next", {"done": true}], "h": channel})
}
