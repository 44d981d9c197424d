use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Doc {
    async fn read(&self, id: u64) -> String;
}

struct Docs;

#[ws_handlers(channel = "doc/{id}")]
impl Doc for Docs {
    async fn read(&self, id: u64) -> String {
        id.to_string()
    }
}

fn main() {
    let _ = Docs;
}
