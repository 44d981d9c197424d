// Handlers on the blocking pool and in their own tasks.

use std::marker::PhantomData;

use wswrapper::{Context, Peer, ws_handlers, ws_service};

/// Not `Send`: the response is encoded on the thread of the handler.
#[derive(serde::Serialize, serde::Deserialize)]
struct NotSend(u8, PhantomData<*const u8>);

#[ws_service(channel = "calc")]
trait Calc {
    #[ws(blocking)]
    fn add(&self, a: i64, b: i64) -> i64;
    #[ws(blocking, name = "divide")]
    fn div(&self, context: Context, a: i64, b: i64) -> Result<i64, String> {
        drop(context);
        a.checked_div(b).ok_or_else(|| "division by zero".to_owned())
    }
    #[ws(spawn)]
    async fn length(&self, context: Context, text: &str, bytes: &[u8]) -> Result<usize, std::io::Error>;
    #[ws(spawn)]
    async fn doubled(&self, numbers: Vec<i64>) -> Vec<i64> {
        numbers.into_iter().map(|number| number * 2).collect()
    }
    #[ws(event)]
    #[ws(blocking)]
    fn log(&self, line: String);
    #[ws(event, spawn)]
    async fn clear(&self);
    #[ws(blocking)]
    fn kept(&self) -> NotSend;
    #[ws(spawn)]
    async fn kept_too(&self) -> NotSend;
}

struct Desk<T> {
    start: T,
}

#[ws_handlers]
impl<T: Copy + Into<i64> + Send + Sync + 'static> Calc for Desk<T> {
    fn add(&self, a: i64, b: i64) -> i64 {
        self.start.into() + a + b
    }
    async fn length(&self, _context: Context, text: &str, bytes: &[u8]) -> Result<usize, std::io::Error> {
        Ok(text.len() + bytes.len())
    }
    fn log(&self, _line: String) {}
    async fn clear(&self) {}
    fn kept(&self) -> NotSend {
        NotSend(1, PhantomData)
    }
    async fn kept_too(&self) -> NotSend {
        NotSend(2, PhantomData)
    }
}

struct Plain;

#[ws_handlers(channel = "plain")]
impl Plain {
    #[ws(blocking)]
    fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
    #[ws(spawn)]
    pub async fn sub(&self, a: i64, b: i64) -> i64 {
        a - b
    }
}

async fn calls(peer: &Peer) -> Result<(), Box<dyn std::error::Error>> {
    let calc = CalcProxy::new(peer);
    let _sum: i64 = calc.add(1, 2).await?;
    let _quotient: i64 = calc.div(1, 2).await?;
    let _length: usize = calc.length("text", &[1, 2]).await?;
    let _doubled: Vec<i64> = calc.doubled(vec![1, 2]).await?;
    let _sent = calc.log("a line").await;
    let _sent = calc.clear().await;
    let _difference: i64 = PlainProxy::new(peer).sub(1, 2).await?;
    Ok(())
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder().service(Desk { start: 1_u8 }).service(Plain);
}
