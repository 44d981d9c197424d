use wswrapper::{ws_handlers, ws_service};

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub async fn add(&self, a: i64, b: i64) -> i64 {
        self.checked(a) + b
    }

    fn checked(&self, a: i64) -> i64 {
        a
    }

    pub(crate) async fn sub(&self, a: i64, b: i64) -> i64 {
        a - b
    }

    #[ws(skip, blocking)]
    fn slow(&self) {}
}

#[ws_service]
trait Calc {
    #[ws(skip)]
    async fn mul(&self, a: i64, b: i64) -> i64;
}

fn main() {}
