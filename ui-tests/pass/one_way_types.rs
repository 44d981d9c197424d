// An argument needs only `Deserialize` and a response only `Serialize` as long as the proxy's method is not called.

use serde::{Deserialize, Serialize};
use wswrapper::{ws_handlers, ws_service};

#[derive(Deserialize)]
struct Question {
    _text: String,
}

#[derive(Serialize)]
struct Reply {
    text: String,
}

#[ws_service]
trait Oracle {
    async fn ask(&self, question: Question) -> Reply;
    async fn dare(&self, question: Question) -> Result<Reply, String>;
    #[ws(event)]
    async fn tell(&self, question: Question);
}

struct Desk;

#[ws_handlers]
impl Oracle for Desk {
    async fn ask(&self, _question: Question) -> Reply {
        Reply { text: "42".to_owned() }
    }
    async fn dare(&self, _question: Question) -> Result<Reply, String> {
        Err("no".to_owned())
    }
    async fn tell(&self, _question: Question) {}
}

struct Plain;

#[ws_handlers(channel = "plain")]
impl Plain {
    pub async fn ask(&self, _question: Question) -> Reply {
        Reply { text: "42".to_owned() }
    }
}

fn main() {
    let _ = wswrapper::Server::builder().service(Desk).service(Plain);
}
