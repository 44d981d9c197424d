use wswrapper::{AnonymousChannel, Client, Peer, Server, ws_service};

#[ws_service(channel = "doc/{id}")]
trait Doc {
    async fn read(&self, id: u64) -> String;
    #[ws(event)]
    async fn touch(&self);
}

async fn right(client: &Client, peer: &Peer, server: &Server) {
    let _ = DocProxy::new(client, 7).read().await;
    let _ = DocProxy::new(peer, 7).read().await;
    let _ = DocProxy::new(server.broadcast(), 7).touch().await;
}

async fn wrong(client: &Client, anonymous: &AnonymousChannel, server: &Server) {
    let _ = DocProxy::new(&client.channel("doc/7"), 7).read().await;
    let _ = DocProxy::new(anonymous, 7).read().await;
    let _ = DocProxy::new(server.broadcast().channel("doc/7"), 7).touch().await;
    let _ = DocProxy::new(server.channel("doc/7"), 7).touch().await;
}

fn main() {
    let _ = (right, wrong);
}
