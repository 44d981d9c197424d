use wswrapper::{Peer, ws_handlers, ws_service};

#[ws_service]
trait Calc<N> {
    async fn add(&self, a: i64) -> i64;
}

#[ws_service]
trait Shelf<'a, T> {
    fn get(&self) -> T;
    async fn put(&self, item: T, name: &'a str);
    async fn count(&self) -> i64;
}

struct Box;

#[ws_handlers]
impl Shelf<'_, u32> for Box {
    fn get(&self) -> u32 {
        1
    }
    async fn put(&self, item: u32, name: &str) {
        let _ = (item, name);
    }
    async fn count(&self) -> i64 {
        1
    }
}

struct Desk<S>(S);

#[ws_handlers(channel = "desk")]
impl<S: Send> Desk<S> {
    pub async fn add(&self, a: i64) -> i64 {
        a
    }
    pub async fn take(&self, s: S) {
        let _ = s;
    }
}

struct Cell<S>(S);

#[ws_handlers(channel = "cell")]
impl Cell<i64> {
    pub async fn get(&self) -> i64 {
        self.0
    }
}

struct Fixed<'a>(&'a str);

#[ws_handlers(channel = "fixed")]
impl<'a> Fixed<'a> {
    pub async fn get(&self) -> String {
        self.0.to_owned()
    }
}

struct Elided<'a>(&'a str);

#[ws_handlers(channel = "elided")]
impl Elided<'_> {
    pub async fn get(&self) -> String {
        self.0.to_owned()
    }
}

async fn calls(peer: &Peer) {
    let _ = ShelfProxy::new(peer).count().await;
    let _ = DeskProxy::new(peer).add(1).await;
    let _ = FixedProxy::new(peer).get().await;
}

fn main() {
    let _ = wswrapper::Server::builder()
        .service(Box)
        .service(Desk(1))
        .service(Cell(1))
        .service(Fixed("a"))
        .service(Elided("a"));
    let _ = calls;
}
