use std::rc::Rc;

use futures_util::stream;
use wswrapper::{Stream, ws_handlers, ws_service};

#[ws_service]
trait Numbers {
    async fn count(&self) -> impl Stream<Item = u32> + Send;
}

struct Desk;

#[ws_handlers]
impl Numbers for Desk {
    async fn count(&self) -> impl Stream<Item = u32> + Send {
        let step = Rc::new(2);
        stream::once(async move { *step })
    }
}

struct Plain;

#[ws_handlers(channel = "plain")]
impl Plain {
    pub async fn count(&self) -> impl Stream<Item = u32> {
        let step = Rc::new(2);
        stream::once(async move { *step })
    }
}

fn main() {
    let _ = (Desk, Plain);
}
