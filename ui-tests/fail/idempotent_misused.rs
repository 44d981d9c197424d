use wswrapper::{Upload, ws_handlers, ws_service};

#[ws_service]
trait Calc {
    #[ws(event, idempotent)]
    async fn log(&self, line: String);
    #[ws(idempotent)]
    async fn sum(&self, numbers: Upload<i64>) -> i64;
    #[ws(idempotent = true)]
    async fn add(&self, a: i64, b: i64) -> i64;
    #[ws(event, idempotent)]
    async fn total(&self) -> i64;
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    async fn log(&self, _line: String) {}
    async fn sum(&self, _numbers: Upload<i64>) -> i64 {
        0
    }
    #[ws(idempotent)]
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
    async fn total(&self) -> i64 {
        0
    }
}

#[ws_handlers(channel = "plain")]
impl Desk {
    #[ws(event, idempotent)]
    pub async fn note(&self, _line: String) {}
    #[ws(idempotent)]
    pub async fn product(&self, _numbers: Upload<i64>) -> i64 {
        0
    }
}

fn main() {
    let _ = Desk;
}
