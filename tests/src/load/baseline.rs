//! The service by hand, as a careful engineer writes it for these methods alone: with `serde_json` and borrowed
//! arguments, on the same transports.

use super::service::Order;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::future::poll_fn;
use std::task::Poll;
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
                Poll::Ready(Some(Ok(Frame::Text(frame)))) => {
                    let _ = str::from_utf8(&frame).ok().and_then(|text| answer(text, transport.output()));
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
