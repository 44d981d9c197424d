use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn add<T: Clone>(&self, a: T) -> i64;
    async fn sub(&self, a: impl Into<i64>) -> i64;
    async fn mul<const N: usize>(&self, a: [i64; N]) -> i64;
    async fn div<'a>(&'a self, a: &'a str) -> i64;
}

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub async fn echo<T: Clone>(&self, value: T) -> T {
        value
    }
}

fn main() {
    let _ = Desk;
}
