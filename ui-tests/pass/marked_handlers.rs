//! Functions of a plain `impl` that are handlers, and others. The types are public, the handlers are not.

#![deny(warnings)]

use wswrapper::{Client, ws_handlers};

pub struct Desk {
    count: u32,
}

#[ws_handlers(channel = "desk")]
impl Desk {
    pub const MAX: u32 = 3;

    #[ws(handler)]
    async fn add(&self, a: u32) -> u32 {
        self.helper(a)
    }

    #[ws(event)]
    fn log(&self, _line: String) {}

    #[ws(skip)]
    pub fn new(count: u32) -> Self {
        Self { count }
    }

    #[ws(skip)]
    fn helper(&self, a: u32) -> u32 {
        (a + self.count).min(Self::MAX)
    }
}

pub fn proxy(client: &Client) -> DeskProxy {
    DeskProxy::new(client)
}

/// A method that is no handler has no method in the proxy.
trait NotInTheProxy {
    fn helper(&self) {}
}

impl NotInTheProxy for DeskProxy {}

pub async fn calls(desk: DeskProxy) {
    desk.helper();
    drop(desk.add(1).await);
    drop(desk.log("line").await);
}

fn main() {
    drop(wswrapper::Server::builder().service(Desk::new(1)));
}
