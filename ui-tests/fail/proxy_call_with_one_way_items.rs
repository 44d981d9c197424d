use wswrapper::{Peer, Stream, Upload, ws_service};

#[derive(serde::Serialize)]
struct Sent;

#[derive(serde::Deserialize)]
struct Received;

// The service needs to encode `Sent` and decode `Received`. Calls through the proxy need the opposite.
#[ws_service]
trait Lines {
    async fn tail(&self) -> impl Stream<Item = Sent> + Send;
    async fn write(&self, lines: Upload<Received>);
}

async fn calls(peer: &Peer) {
    let lines = LinesProxy::new(peer);
    let _ = lines.tail().await;
    let _ = lines.write(futures_util::stream::iter([Received])).await;
}

fn main() {
    let _ = (calls, Sent);
}
