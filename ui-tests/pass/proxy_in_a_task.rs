// A proxy and its calls borrow nothing, so they can be moved into a task.

use wswrapper::{Peer, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, a: i64, b: i64) -> i64;
    async fn len(&self, text: &str) -> usize;
    #[ws(event)]
    async fn log(&self, line: String);
}

async fn spawn_them(peer: &Peer) {
    let calc = CalcProxy::new(peer);
    let other = calc.clone();
    let call = {
        let text = String::from("borrowed no longer than the call takes to write");
        calc.len(&text)
    };
    let _ = tokio::spawn(call).await;
    let _ = tokio::spawn(async move { other.add(1, 2).await }).await;
    let _ = tokio::spawn(async move { calc.log("line").await }).await;
}

fn main() {
    let _ = spawn_them;
}
