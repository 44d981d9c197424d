// A contract is not generic; what implements it may be.

use std::sync::Mutex;

use wswrapper::{WsError, ws_handlers, ws_service};

trait Store: Send + Sync + 'static {
    fn get(&self, key: &str) -> Option<String>;
}

impl Store for () {
    fn get(&self, _key: &str) -> Option<String> {
        None
    }
}

#[ws_service]
trait Calc {
    async fn get(&self, key: String) -> Option<String>;
}

struct Desk<S> {
    store: S,
}

#[ws_handlers]
impl<S: Store> Calc for Desk<S> {
    async fn get(&self, key: String) -> Option<String> {
        self.store.get(&key)
    }
}

struct Cell<S, const N: usize>(Mutex<[S; N]>);

#[ws_handlers(channel = "cell")]
impl<S, const N: usize> Calc for Cell<S, N>
where
    S: Store + Clone,
{
    async fn get(&self, key: String) -> Option<String> {
        let store = self.0.lock().ok()?.first()?.clone();
        store.get(&key)
    }
}

#[derive(Debug, thiserror::Error, WsError)]
#[error("{0:?}")]
struct Wrong<T: std::fmt::Debug>(T);

fn main() {
    let _ = wswrapper::Server::builder()
        .service(Desk { store: () })
        .service(Cell(Mutex::new([(), ()])));
    let _ = Wrong(1);
}
