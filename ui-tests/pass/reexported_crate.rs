// Another crate can re-export the macros. `crate = ..` says where `wswrapper` is.

mod facade {
    pub mod inner {
        pub use wswrapper::*;
        pub use wswrapper::__private;
    }
}

use facade::inner::{ws_handlers, ws_service};

#[ws_service(crate = facade::inner)]
trait Calc {
    async fn add(&self, a: i64, b: i64) -> i64;
}

struct Desk;

#[ws_handlers(crate = "crate::facade::inner")]
impl Calc for Desk {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

fn main() {
    let _ = Desk;
}
