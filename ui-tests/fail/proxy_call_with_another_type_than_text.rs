use wswrapper::{Peer, ws_service};

#[ws_service]
trait Greeter {
    async fn greet(&self, name: String) -> String;
}

async fn calls(peer: &Peer) {
    let greeter = GreeterProxy::new(peer);
    let _ = greeter.greet(5).await;
    let _ = greeter.greet(Some("Ada")).await;
}

fn main() {
    let _ = calls;
}
