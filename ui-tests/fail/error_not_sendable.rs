use wswrapper::{ws_handlers, ws_service};

struct Opaque;

type Answer<T> = Result<T, Opaque>;

#[ws_service]
trait Calc {
    async fn add(&self) -> Result<i64, Opaque>;
    fn now(&self) -> Answer<i64>;
}

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub async fn add(&self) -> Result<(), Opaque> {
        Err(Opaque)
    }
}

fn main() {
    let _ = Desk;
}
