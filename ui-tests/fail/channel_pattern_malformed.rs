use wswrapper::{ws_handlers, ws_service};

#[ws_service(channel = "doc/{}")]
trait Unnamed {
    async fn read(&self, id: u64);
}

#[ws_service(channel = "doc{id}")]
trait Partial {
    async fn read(&self, id: u64);
}

#[ws_service(channel = "doc/{id")]
trait Unclosed {
    async fn read(&self, id: u64);
}

#[ws_service(channel = "doc/{1st}")]
trait NoName {
    async fn read(&self, id: u64);
}

#[ws_service(channel = "doc/{id}/{id}")]
trait Twice {
    async fn read(&self, id: u64);
}

struct Desk;

#[ws_handlers(channel = "{{id}}")]
impl Desk {
    pub async fn read(&self, id: u64) {
        let _ = id;
    }
}

fn main() {
    let _ = Desk;
}
