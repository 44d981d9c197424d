//! Anonymous channels.

mod callers;
mod calls;
mod closing;
mod opening;
mod panics;
mod responses;

use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use wswrapper::{AnonymousChannel, Context, Server, error::Rejection, server::ServerBuilder, ws_handlers};
use wswrapper_tests::{Alive, Log, Pair, pair};

/// A service that opens anonymous channels, and a record of them.
#[derive(Clone, Default)]
struct ChannelService {
    alive: Alive,
    log: Log,
    /// Every channel that was opened. A handle of its creator does not keep a channel open.
    channels: Arc<Mutex<Vec<AnonymousChannel>>>,
    resume: Arc<Notify>,
}

impl ChannelService {
    /// Opens a channel with handlers. One of them holds the channel itself.
    fn channel(&self, ctx: &Context) -> AnonymousChannel {
        let channel = ctx.open_channel();
        let (guard, held_channel, log) = (self.alive.guard(), channel.clone(), self.log.clone());
        channel
            .on("add", move |a: i64, b: i64| {
                let _ = (&guard, &held_channel);
                async move { a + b }
            })
            .expect("a valid name");
        let note = move |text: String| {
            log.add(text);
            async {}
        };
        channel.on("note", note).expect("a valid name");
        self.channels.lock().expect("no panic").push(channel.clone());
        channel
    }

    fn last_channel(&self) -> AnonymousChannel {
        self.channels.lock().expect("no panic").last().expect("a channel was opened").clone()
    }
}

/// Each method uses a channel in another way.
#[ws_handlers]
impl ChannelService {
    pub async fn make(&self, ctx: Context) -> Result<AnonymousChannel, Rejection> {
        Ok(self.channel(&ctx))
    }

    pub async fn waits(&self, ctx: Context) -> Result<AnonymousChannel, Rejection> {
        let channel = self.channel(&ctx);
        self.resume.notified().await;
        Ok(channel)
    }

    pub async fn keeps(&self, ctx: Context) -> u8 {
        self.channel(&ctx);
        7
    }

    pub async fn fails(&self, ctx: Context) -> Result<AnonymousChannel, String> {
        self.channel(&ctx);
        Err("not today".to_owned())
    }

    pub async fn panics(&self, ctx: Context) -> u8 {
        self.channel(&ctx);
        panic!("oh no")
    }

    pub async fn closed(&self, ctx: Context) -> AnonymousChannel {
        let channel = self.channel(&ctx);
        channel.close();
        channel
    }

    pub async fn again(&self) -> AnonymousChannel {
        self.last_channel()
    }

    pub async fn late(&self, ctx: Context) {
        let (service, resume) = (self.clone(), Arc::clone(&self.resume));
        tokio::spawn(async move {
            resume.notified().await;
            service.channel(&ctx);
            service.log.add(service.last_channel().is_closed().to_string());
        });
    }

    pub async fn quick(&self) -> u8 {
        1
    }
}

/// Returns a server that opens channels, and whose errors are logged.
fn channel_server() -> (ChannelService, ServerBuilder) {
    let service = ChannelService::default();
    let errors = service.log.clone();
    (service.clone(), Server::builder().service(service).on_error(move |_, error| errors.add(error.to_string())))
}

fn channel_pair() -> (ChannelService, Pair) {
    let (service, server) = channel_server();
    (service, pair(server))
}

fn built_channel_server() -> (ChannelService, Server) {
    let (service, server) = channel_server();
    (service, server.build().expect("it can be mounted"))
}
