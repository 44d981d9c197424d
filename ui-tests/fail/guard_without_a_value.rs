use wswrapper::{ws_handlers, ws_service};

#[ws_service(guard)]
trait Calc {
    #[ws(guard)]
    async fn add(&self, a: i64, b: i64) -> i64;
    #[ws(guard = )]
    async fn sub(&self, a: i64, b: i64) -> i64;
    #[ws(guard(user))]
    async fn mul(&self, a: i64, b: i64) -> i64;
}

struct Desk;

#[ws_handlers(guard)]
impl Desk {}

fn main() {}
