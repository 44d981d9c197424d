use wswrapper::{ws_handlers, ws_service};

macro_rules! methods {
    () => {};
}

#[ws_service]
trait Calc {
    methods!();
}

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    methods! {}
}

fn main() {
    let _ = Desk;
}
