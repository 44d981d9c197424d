// `name` and `code` set any name on the wire, so a method called `close` and an event called `new` are allowed.

use wswrapper::{Peer, WsError, ws_handlers, ws_service};

#[ws_service(rename_all = "camelCase")]
trait Files {
    async fn read_file(&self, r#type: String) -> String;
    #[ws(name = "Read-All")]
    async fn read_all(&self) -> String;
    #[ws(name = "new")]
    async fn create(&self);
    #[ws(event, name = "shut")]
    async fn close(&self);
    async fn r#move(&self);
}

struct Plain;

#[ws_handlers(channel = "plain", rename_all = "SCREAMING_SNAKE_CASE")]
impl Plain {
    pub async fn read_file(&self) {}
    pub async fn close(&self) {}
}

#[derive(Debug, thiserror::Error, WsError)]
#[ws(rename_all = "kebab-case")]
enum FileError {
    #[error("not found")]
    NotFound { r#type: String },
    #[error("denied")]
    #[ws(code = "EACCES")]
    Denied,
}

#[derive(Debug, thiserror::Error, WsError)]
#[error("busy")]
#[ws(code = "EBUSY")]
struct Busy(u32, String);

async fn calls(peer: &Peer) {
    let files = FilesProxy::new(peer);
    let _ = files.read_file("a").await;
    let _ = files.r#move().await;
    let _ = PlainProxy::new(peer).read_file().await;
}

fn main() {
    let _ = calls;
    let _ = (FileError::Denied, FileError::NotFound { r#type: String::new() }, Busy(1, String::new()));
}
