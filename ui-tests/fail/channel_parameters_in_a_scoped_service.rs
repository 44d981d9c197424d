use wswrapper::{Client, Scoped, ws_handlers, ws_service};

#[ws_service(channel = "doc/{id}")]
trait Doc {
    async fn read(&self, id: u64) -> String;
}

#[derive(Clone)]
struct Docs;

#[ws_handlers]
impl Doc for Docs {
    async fn read(&self, id: u64) -> String {
        id.to_string()
    }
}

#[ws_service]
trait Desk {
    async fn lend(&self) -> Scoped<dyn Doc>;
}

fn serve(client: &Client) {
    let _ = client.serve(Docs);
}

fn main() {
    let _ = serve;
}
