//! Anonymous channels.

mod callers;
mod calls;
mod closing;
mod panics;
mod responses;

use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use wswrapper::{AnonymousChannel, Context, Rejection, Server, ServerBuilder, ws_handlers};
use wswrapper_tests::{Alive, Log, Pair, pair};

/// What handlers of these tests make and keep.
#[derive(Clone, Default)]
struct Made {
    alive: Alive,
    log: Log,
    /// Handles do not keep anything open.
    channels: Arc<Mutex<Vec<AnonymousChannel>>>,
    go_on: Arc<Notify>,
}

impl Made {
    /// A channel with handlers, one of which keeps the channel itself.
    fn channel(&self, ctx: &Context) -> AnonymousChannel {
        let channel = ctx.anonymous_channel();
        let (guard, kept, log) = (self.alive.guard(), channel.clone(), self.log.clone());
        channel
            .on("add", move |a: i64, b: i64| {
                let _ = (&guard, &kept);
                async move { a + b }
            })
            .expect("a good name");
        let note = move |text: String| {
            log.add(text);
            async {}
        };
        channel.on("note", note).expect("a good name");
        self.channels.lock().expect("no panic").push(channel.clone());
        channel
    }

    fn last(&self) -> AnonymousChannel {
        self.channels.lock().expect("no panic").last().expect("one was made").clone()
    }
}

/// Its methods are what a handler can do with a channel.
#[ws_handlers]
impl Made {
    async fn make(&self, ctx: Context) -> Result<AnonymousChannel, Rejection> {
        Ok(self.channel(&ctx))
    }

    async fn waits(&self, ctx: Context) -> Result<AnonymousChannel, Rejection> {
        let channel = self.channel(&ctx);
        self.go_on.notified().await;
        Ok(channel)
    }

    async fn keeps(&self, ctx: Context) -> u8 {
        self.channel(&ctx);
        7
    }

    async fn fails(&self, ctx: Context) -> Result<AnonymousChannel, String> {
        self.channel(&ctx);
        Err("not today".to_owned())
    }

    async fn panics(&self, ctx: Context) -> u8 {
        self.channel(&ctx);
        panic!("oh no")
    }

    async fn closed(&self, ctx: Context) -> AnonymousChannel {
        let channel = self.channel(&ctx);
        channel.close();
        channel
    }

    async fn again(&self) -> AnonymousChannel {
        self.last()
    }

    async fn late(&self, ctx: Context) {
        let (made, go_on) = (self.clone(), Arc::clone(&self.go_on));
        tokio::spawn(async move {
            go_on.notified().await;
            made.channel(&ctx);
            made.log.add(made.last().is_closed().to_string());
        });
    }

    async fn quick(&self) -> u8 {
        1
    }
}

/// A server that makes channels, and says what went wrong.
fn making() -> (Made, ServerBuilder) {
    let made = Made::default();
    let errors = made.log.clone();
    (made.clone(), Server::builder().service(made).on_error(move |_, error| errors.add(error.to_string())))
}

fn made() -> (Made, Pair) {
    let (made, server) = making();
    (made, pair(server))
}

fn made_raw() -> (Made, Server) {
    let (made, server) = making();
    (made, server.build().expect("it can be mounted"))
}
