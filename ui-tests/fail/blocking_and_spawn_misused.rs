use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc {
    #[ws(blocking)]
    async fn add(&self, a: i64, b: i64) -> i64;
    #[ws(spawn)]
    fn sub(&self, a: i64, b: i64) -> i64;
    #[ws(blocking, spawn)]
    async fn mul(&self, a: i64, b: i64) -> i64;
    #[ws(event, spawn)]
    #[ws(blocking)]
    fn log(&self, line: String);
    #[ws(blocking = true)]
    fn negate(&self, a: i64) -> i64;
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
    fn sub(&self, a: i64, b: i64) -> i64 {
        a - b
    }
    async fn mul(&self, a: i64, b: i64) -> i64 {
        a * b
    }
    fn log(&self, _line: String) {}
    #[ws(blocking)]
    fn negate(&self, a: i64) -> i64 {
        -a
    }
}

#[ws_handlers(channel = "plain")]
impl Desk {
    #[ws(blocking)]
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
    #[ws(event, spawn)]
    fn log(&self, _line: String) {}
}

fn main() {
    let _ = Desk;
}
