use wswrapper::ws_service;

#[ws_service(channel = "doc/{id}/of/{owner}")]
trait Doc {
    async fn read(&self, id: u64) -> String;
    async fn list(&self) -> Vec<String>;
}

async fn read(client: wswrapper::Client) {
    let _ = DocProxy::new(&client, 7, "ada").read().await;
}

fn main() {
    let _ = read;
}
