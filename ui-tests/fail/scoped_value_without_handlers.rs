use wswrapper::{Scoped, ws_handlers, ws_service};

#[ws_service(channel = "calc")]
trait Calculator {
    async fn add(&self, n: i64) -> i64;
}

struct Plain;

impl Calculator for Plain {
    async fn add(&self, n: i64) -> i64 {
        n
    }
}

struct Other;

#[ws_handlers(channel = "other")]
impl Other {
    pub async fn one(&self) -> i64 {
        1
    }
}

struct Office;

#[ws_handlers]
impl Office {
    pub async fn plain(&self) -> Scoped<dyn Calculator> {
        Scoped::new(Plain)
    }
    pub async fn other(&self) -> Scoped<dyn Calculator> {
        Scoped::new(Other)
    }
}

fn main() {
    let _ = Office;
}
