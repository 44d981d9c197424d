use std::collections::BTreeMap;

use wswrapper::{Stream, ws_handlers, ws_service};

#[ws_service]
trait Numbers {
    async fn count(&self) -> impl Stream<Item = u32>;
    async fn tail(&self) -> Result<impl Stream<Item = Result<BTreeMap<String, (u8, Vec<u8>)>, String>>, String>;
}

struct Desk;

// No error here: in a plain `impl` rustc sees the returned type.
#[ws_handlers(channel = "desk")]
impl Desk {
    pub async fn count(&self) -> impl Stream<Item = u32> {
        futures_util::stream::empty()
    }
}

fn main() {
    let _ = Desk;
}
