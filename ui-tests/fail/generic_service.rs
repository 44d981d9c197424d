use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc<N> {
    async fn add(&self, a: i64) -> i64;
}

struct Desk<S>(S);

#[ws_handlers(channel = "desk")]
impl<S: Send> Desk<S> {
    async fn add(&self, a: i64) -> i64 {
        a
    }
}

struct Cell<S>(S);

#[ws_handlers(channel = "cell")]
impl Cell<i64> {
    async fn get(&self) -> i64 {
        self.0
    }
}

fn main() {
    let _ = (Desk(1), Cell(1));
}
