// `macro_rules!` wraps types in invisible groups. The macros look inside them.

use wswrapper::{ws_handlers, ws_service};

macro_rules! service {
    ($name:ident, $type:ident, $channel:literal, $text:ty, $returned:ty) => {
        #[ws_service(channel = $channel)]
        trait $name {
            async fn add(&self, text: $text, owned: String) -> $returned;
        }

        #[ws_handlers(channel = $channel)]
        impl $name for $type {
            async fn add(&self, text: $text, owned: String) -> $returned {
                let _ = (text, owned);
                Ok(1)
            }
        }
    };
}

macro_rules! with_bodies {
    ($name:ident, $block:block, $value:expr) => {
        #[ws_service]
        trait Bodies {
            fn by_default(&self) -> u32 $block
            async fn later(&self) -> u32 $block
        }

        #[ws_handlers]
        impl Bodies for $name {}

        #[ws_handlers(channel = "plain")]
        impl $name {
            pub async fn block(&self) -> u32 $block
            pub fn value(&self) -> u32 {
                $value
            }
        }
    };
}

struct Desk;
struct Table;

with_bodies!(Table, { 1 + 1 }, 3);

service!(Calc, Desk, "calc", &str, Result<i64, String>);

fn main() {
    let _ = (Desk, Table);
}
