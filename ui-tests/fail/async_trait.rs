use async_trait::async_trait;
use wswrapper::{Peer, ws_handlers, ws_service};

#[ws_service]
#[async_trait]
trait Below {
    async fn add(&self, a: i64, b: &str) -> i64;
}

#[async_trait]
#[ws_service]
trait Above {
    async fn add(&self, a: i64, b: &str) -> i64;
    async fn half(&self, a: i64) -> Result<i64, String>;
    async fn log(&self, _line: String) {}
}

struct Desk;

#[ws_handlers]
#[async_trait]
impl Below for Desk {
    async fn add(&self, a: i64, b: &str) -> i64 {
        a + b.len() as i64
    }
}

#[async_trait]
#[ws_handlers]
impl Above for Desk {
    async fn add(&self, a: i64, b: &str) -> i64 {
        a + b.len() as i64
    }
    async fn half(&self, a: i64) -> Result<i64, String> {
        if a % 2 == 1 {
            return Err("odd".to_owned());
        }
        Ok(a / 2)
    }
}

struct Plain;

#[ws_handlers]
#[async_trait]
impl Plain {
    pub async fn add(&self, a: i64) -> i64 {
        a
    }
}

async fn calls(peer: &Peer) {
    let _ = AboveProxy::new(peer).add(1, "b").await;
    let _ = PlainProxy::new(peer).add(1).await;
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder().service_as::<dyn Above>(Desk).service_as::<dyn Below>(Desk).service(Plain);
}
