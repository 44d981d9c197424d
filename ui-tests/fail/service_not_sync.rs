use std::cell::Cell;

use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, a: i64) -> i64;
    fn last(&self) -> i64;
}

struct Desk(Cell<i64>);

#[ws_handlers]
impl Calc for Desk {
    async fn add(&self, a: i64) -> i64 {
        self.0.set(self.0.get() + a);
        self.0.get()
    }
    fn last(&self) -> i64 {
        self.0.get()
    }
}

struct Plain(Cell<i64>);

#[ws_handlers(channel = "plain")]
impl Plain {
    pub async fn add(&self, a: i64) -> i64 {
        self.0.set(self.0.get() + a);
        self.0.get()
    }
    pub fn last(&self) -> i64 {
        self.0.get()
    }
}

fn main() {
    let _ = (Desk, Plain);
}
