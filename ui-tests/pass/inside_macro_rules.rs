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

struct Desk;

service!(Calc, Desk, "calc", &str, Result<i64, String>);

fn main() {
    let _ = Desk;
}
