use wswrapper::{ws_handlers, ws_service};

#[derive(serde::Serialize, serde::Deserialize)]
struct Id(u64);

#[ws_service(channel = "doc/{id}")]
trait Doc {
    async fn read(&self, id: Id) -> String;
}

struct Desk;

#[ws_handlers]
impl Doc for Desk {
    async fn read(&self, id: Id) -> String {
        id.0.to_string()
    }
}

fn main() {
    let _ = wswrapper::Server::builder().service(Desk);
}
