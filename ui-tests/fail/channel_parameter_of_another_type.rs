use wswrapper::{Client, ws_service};

#[ws_service(channel = "doc/{id}/of/{owner}")]
trait Doc {
    async fn read(&self, id: u64, owner: String) -> String;
}

async fn read(client: &Client) {
    let _ = DocProxy::new(client, "7", "ada").read().await;
    let _ = DocProxy::new(client, 7, 8).read().await;
    let _ = DocProxy::new(client, 7).read().await;
}

fn main() {
    let _ = read;
}
