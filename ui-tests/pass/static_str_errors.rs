// An error may be `&'static str`, because the caller decodes it as `String`.

use std::borrow::Cow;

use wswrapper::{CallError, Peer, Stream, Upload, ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn half(&self, a: i64) -> Result<i64, &'static str>;
    async fn count(&self, to: i64) -> impl Stream<Item = Result<i64, &'static str>> + Send;
    async fn down(&self, from: i64) -> Result<impl Stream<Item = i64> + Send, &'static str>;
    async fn sum(&self, numbers: Upload<i64, &'static str>) -> i64;
    async fn name(&self, of: Cow<'static, str>) -> Cow<'static, str>;
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    async fn half(&self, a: i64) -> Result<i64, &'static str> {
        if a % 2 == 0 { Ok(a / 2) } else { Err("odd") }
    }
    async fn count(&self, to: i64) -> impl Stream<Item = Result<i64, &'static str>> + Send {
        futures_util::stream::iter([Ok(to), Err("all")])
    }
    async fn down(&self, from: i64) -> Result<impl Stream<Item = i64> + Send, &'static str> {
        if from > 0 { Ok(futures_util::stream::iter([from, 0])) } else { Err("deep") }
    }
    async fn sum(&self, mut numbers: Upload<i64, &'static str>) -> i64 {
        let mut sum = 0;
        while let Some(Ok(n)) = numbers.next().await {
            sum += n;
        }
        sum
    }
    async fn name(&self, of: Cow<'static, str>) -> Cow<'static, str> {
        of
    }
}

async fn calls(peer: &Peer) -> Result<(), CallError<String>> {
    let calc = CalcProxy::new(peer);
    let _half: i64 = calc.half(2).await?;
    if let Ok(mut numbers) = calc.count(2).await {
        let _first: Option<Result<i64, CallError<String>>> = numbers.next().await;
    }
    let _down = calc.down(2).await?;
    let _sum = calc.sum(futures_util::stream::iter([Ok(1), Err("no more")])).await;
    let _name = calc.name(Cow::Borrowed("desk")).await;
    Ok(())
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder().service(Desk);
}
