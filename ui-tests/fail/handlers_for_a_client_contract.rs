use wswrapper::{ws_handlers, ws_service};

#[ws_service(client)]
trait Oracle {
    async fn ask(&self, question: String) -> String;
}

struct Desk;

#[ws_handlers]
impl Oracle for Desk {
    async fn ask(&self, question: String) -> String {
        question
    }
}

#[ws_handlers(client)]
impl Desk {
    pub async fn ask(&self) {}
}

fn main() {}
