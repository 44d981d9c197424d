// A contract cannot be generic. A type that implements it can.

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

struct Fixed<'a>(&'a str);

#[ws_handlers(channel = "fixed")]
impl Calc for Fixed<'_> {
    async fn get(&self, key: String) -> Option<String> {
        (key == "fixed").then(|| self.0.to_owned())
    }
}

struct Either<'a, S>(&'a str, S);

#[ws_handlers(channel = "either")]
impl<S: Store> Calc for Either<'_, S> {
    async fn get(&self, key: String) -> Option<String> {
        self.1.get(&key).or_else(|| Some(self.0.to_owned()))
    }
}

struct Borrowed(String);

#[ws_handlers(channel = "borrowed")]
impl Calc for &Borrowed {
    async fn get(&self, key: String) -> Option<String> {
        (key == self.0).then_some(key)
    }
}

#[derive(Debug, thiserror::Error, WsError)]
#[error("{0:?}")]
struct Wrong<T: std::fmt::Debug>(T);

fn main() {
    let _ = wswrapper::Server::builder()
        .service(Desk { store: () })
        .service(Cell(Mutex::new([(), ()])))
        .service(Fixed("a"))
        .service(Either("a", ()))
        .service(Box::leak::<'static>(Box::new(Borrowed(String::new()))) as &Borrowed);
    let _ = Wrong(1);
}
