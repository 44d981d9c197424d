// A method takes an upload next to other arguments. The proxy accepts any stream for it.

use futures_util::stream;
use wswrapper::{CallError, Context, Peer, Upload, WsError, ws_handlers, ws_service};

#[derive(Debug, thiserror::Error, WsError)]
#[error("lost")]
pub struct Lost;

/// Can be decoded, but not encoded.
#[derive(serde::Deserialize)]
struct Line(#[allow(dead_code)] String);

#[ws_service]
trait Numbers {
    async fn sum(&self, context: Context, start: i64, numbers: Upload<i64>, unit: &str) -> Result<i64, String>;
    async fn collect(&self, parts: Upload<String, Lost>) -> usize;
    async fn write(&self, lines: wswrapper::Upload<Line>);
}

struct Desk;

#[ws_handlers]
impl Numbers for Desk {
    async fn sum(&self, _context: Context, start: i64, mut numbers: Upload<i64>, _unit: &str) -> Result<i64, String> {
        let mut sum = start;
        while let Some(n) = numbers.next().await {
            sum += n.map_err(|error| error.to_string())?;
        }
        Ok(sum)
    }
    async fn collect(&self, mut parts: Upload<String, Lost>) -> usize {
        let mut count = 0;
        let mut part: Option<Result<String, CallError<Lost>>> = parts.next().await;
        while let Some(Ok(_)) = part {
            count += 1;
            part = parts.next().await;
        }
        count
    }
    async fn write(&self, _lines: Upload<Line>) {}
}

struct Plain;

#[ws_handlers(channel = "plain")]
impl Plain {
    pub async fn last(&self, mut numbers: Upload<i64>) -> Option<i64> {
        let mut last = None;
        while let Some(Ok(n)) = numbers.next().await {
            last = Some(n);
        }
        last
    }
}

async fn calls(peer: &Peer) -> Result<(), Box<dyn std::error::Error>> {
    let numbers = NumbersProxy::new(peer);
    let _sum: i64 = numbers.sum(0, stream::iter(1..4), "metres").await?;
    let _count: usize = numbers.collect(stream::iter([Ok("a".to_owned()), Err(Lost)])).await?;
    let _last: Option<i64> = PlainProxy::new(peer).last(stream::empty()).await?;
    Ok(())
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder().service(Desk).service(Plain);
}
