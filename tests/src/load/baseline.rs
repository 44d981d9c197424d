//! A hand-written server and client for the methods of [`Workload`](super::service::Workload), with `serde_json` and
//! borrowed arguments, on the same transports.

use super::service::Order;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tokio::sync::oneshot;
use wswrapper::transport::{Frame, Output, Transport};

#[derive(Deserialize)]
struct Call<'f> {
    i: Option<u64>,
    #[serde(borrow, default)]
    a: Vec<&'f RawValue>,
}

#[derive(Deserialize)]
struct Text<'f>(#[serde(borrow)] Cow<'f, str>);

#[derive(Serialize)]
struct Done<T> {
    i: u64,
    d: T,
}

#[derive(Serialize)]
struct Failed<'f> {
    i: u64,
    e: Reason<'f>,
    #[serde(rename = "_")]
    is_error: u8,
}

#[derive(Serialize)]
struct Reason<'f> {
    message: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'f str>,
}

/// Serves one connection.
pub async fn serve(mut transport: impl Transport) {
    let served = poll_fn(|cx| {
        loop {
            match transport.poll_frame(cx) {
                Poll::Ready(Some(Ok(Frame::Text(text)))) => {
                    let _ = answer(&text, transport.output());
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        let _ = transport.poll_flush(cx);
        Poll::Pending
    });
    served.await;
}

fn answer(text: &str, output: &mut Output) -> Option<()> {
    let call: Call<'_> = serde_json::from_str(text).ok()?;
    let name: Text<'_> = serde_json::from_str(call.a.first()?.get()).ok()?;
    if let Err((message, code)) = run(&name.0, &call, text.len(), output) {
        let e = Reason { message: &message, code };
        write(output, 0, &Failed { i: call.i?, e, is_error: 1 });
    }
    Some(())
}

fn run(name: &str, call: &Call<'_>, hint: usize, output: &mut Output) -> Result<(), (String, Option<&'static str>)> {
    match name {
        "echo" => {
            let text: Text<'_> = argument(call, 1)?;
            done(call, hint, output, &*text.0);
        }
        "add" | "add_now" => {
            let (a, b): (i64, i64) = (argument(call, 1)?, argument(call, 2)?);
            done(call, hint, output, a + b);
        }
        "confirm" => {
            let order: Order = argument(call, 1)?;
            done(call, hint, output, order);
        }
        "divide" => {
            let (a, b): (i64, i64) = (argument(call, 1)?, argument(call, 2)?);
            let result = a.checked_div(b);
            let result = result.ok_or_else(|| ("division by zero".to_owned(), Some("DivisionByZero")))?;
            done(call, hint, output, result);
        }
        name => return Err((format!("No event listener for '{name}'"), None)),
    }
    Ok(())
}

fn argument<'f, T: Deserialize<'f>>(call: &Call<'f>, at: usize) -> Result<T, (String, Option<&'static str>)> {
    let raw = call.a.get(at).ok_or_else(|| ("missing argument".to_owned(), None))?;
    serde_json::from_str(raw.get()).map_err(|error| (error.to_string(), None))
}

fn done(call: &Call<'_>, hint: usize, output: &mut Output, value: impl Serialize) {
    if let Some(i) = call.i {
        write(output, hint, &Done { i, d: value });
    }
}

fn write(output: &mut Output, hint: usize, value: &impl Serialize) {
    output.text(hint, |out| serde_json::to_writer(out, value)).expect("it can be encoded");
}

/// A client with one task, and a map with a oneshot channel for each call.
#[derive(Clone)]
pub struct Client {
    core: Arc<Mutex<Core>>,
}

#[derive(Default)]
struct Core {
    outbox: Vec<Vec<u8>>,
    calls: HashMap<u64, oneshot::Sender<Bytes>>,
    last_id: u64,
    driver: Option<Waker>,
}

#[derive(Serialize)]
struct Request<A> {
    a: A,
    i: u64,
}

#[derive(Deserialize)]
struct Response<'f> {
    i: u64,
    #[serde(borrow)]
    d: Option<&'f RawValue>,
}

impl Client {
    /// Spawns the task that drives the transport.
    pub fn connect_transport(mut transport: impl Transport) -> Self {
        let core = Arc::<Mutex<Core>>::default();
        let client = Self { core: Arc::clone(&core) };
        tokio::spawn(poll_fn(move |cx| drive(&mut transport, &core, cx)));
        client
    }

    /// Sends a request and waits for its result. The first of `arguments` is the event's name.
    pub async fn call<T: DeserializeOwned>(&self, arguments: impl Serialize) -> T {
        let (sender, answer) = oneshot::channel();
        let driver = {
            let mut core = self.core.lock().expect("no panic while locked");
            core.last_id += 1;
            let i = core.last_id;
            let mut frame = Vec::with_capacity(96);
            serde_json::to_writer(&mut frame, &Request { a: arguments, i }).expect("it can be encoded");
            core.calls.insert(i, sender);
            core.outbox.push(frame);
            core.driver.take()
        };
        driver.into_iter().for_each(Waker::wake);
        serde_json::from_slice(&answer.await.expect("the connection is open")).expect("it can be decoded")
    }
}

fn drive(transport: &mut impl Transport, core: &Mutex<Core>, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        match transport.poll_frame(cx) {
            Poll::Ready(Some(Ok(Frame::Text(text)))) => {
                let Ok(Response { i, d: Some(result) }) = serde_json::from_str(&text) else { continue };
                let result = text.as_bytes().slice_ref(result.get().as_bytes());
                let call = core.lock().expect("no panic while locked").calls.remove(&i);
                let _ = call.map(|call| call.send(result));
            }
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(_) => return Poll::Ready(()),
            Poll::Pending => break,
        }
    }
    let mut core = core.lock().expect("no panic while locked");
    for frame in core.outbox.drain(..) {
        transport.output().plain_text(frame.len(), |out| out.extend_from_slice(&frame));
    }
    core.driver = Some(cx.waker().clone());
    drop(core);
    let _ = transport.poll_flush(cx);
    Poll::Pending
}
