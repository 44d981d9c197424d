use wswrapper::Peer;

struct NotJson;

async fn calls(peer: &Peer) {
    let _ = peer.request::<i64>("half", 1).await;
    let _ = peer.emit("log", "line").await;
    let _ = peer.emit("log", vec![1, 2]).await;
    let _ = peer.channel("io").emit("log", (1, NotJson)).await;
}

fn main() {
    let _ = calls;
}
