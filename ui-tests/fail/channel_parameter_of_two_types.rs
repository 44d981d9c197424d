use wswrapper::ws_service;

#[ws_service(channel = "doc/{id}")]
trait Doc {
    async fn read(&self, id: u64) -> String;
    async fn write(&self, id: u32, text: String);
    async fn remove(&self, id: u64);
}

async fn remove(client: wswrapper::Client) {
    let _ = DocProxy::new(&client, 7).remove().await;
}

fn main() {
    let _ = remove;
}
