//! Channels with parameters: `doc/{id}`.

#![allow(clippy::needless_pass_by_value, clippy::unused_self, reason = "handlers have this form")]

mod calls;
mod guards;
mod hooks;
mod labels;
mod leaving;
mod limits;
mod mounting;
mod names;
mod visits;

use wswrapper::error::Rejection;
use wswrapper::{Client, Context, Server, Stream, Upload, ws_handlers, ws_service};
use wswrapper_tests::{Log, Pair, pair_with};

/// A contract with each kind of method.
#[ws_service(channel = "doc/{id}")]
trait Doc {
    async fn text(&self, id: u64, from: u32) -> String;
    fn length(&self, ctx: Context, word: &str, id: u64) -> u64;
    #[ws(event)]
    async fn touch(&self, by: String, id: u64);
    #[ws(event)]
    async fn close(&self);
    async fn lines(&self, id: u64, count: u32) -> impl Stream<Item = String> + Send;
    async fn append(&self, lines: Upload<String>, id: u64) -> Result<String, String>;
    #[ws(spawn)]
    async fn spawned(&self, id: u64) -> u64;
    #[ws(blocking)]
    fn blocking(&self, id: u64) -> u64;
    /// Takes no parameter.
    async fn channel(&self, ctx: Context) -> Option<String>;
}

#[derive(Clone, Default)]
struct Docs(Log);

#[ws_handlers]
impl Doc for Docs {
    async fn text(&self, id: u64, from: u32) -> String {
        self.0.add(format!("text of {id}"));
        format!("{id} from {from}")
    }
    fn length(&self, ctx: Context, word: &str, id: u64) -> u64 {
        assert_eq!(ctx.channel_name().map(str::to_owned), Some(format!("doc/{id}")));
        id + word.len() as u64
    }
    async fn touch(&self, by: String, id: u64) {
        self.0.add(format!("{by} touches {id}"));
    }
    async fn close(&self) {
        self.0.add("close");
    }
    async fn lines(&self, id: u64, count: u32) -> impl Stream<Item = String> + Send {
        futures_util::stream::iter((0..count).map(move |line| format!("{id}:{line}")))
    }
    async fn append(&self, mut lines: Upload<String>, id: u64) -> Result<String, String> {
        let mut text = id.to_string();
        while let Some(line) = lines.next().await {
            text += &line.map_err(|error| error.to_string())?;
        }
        Ok(text)
    }
    async fn spawned(&self, id: u64) -> u64 {
        id
    }
    fn blocking(&self, id: u64) -> u64 {
        id
    }
    async fn channel(&self, ctx: Context) -> Option<String> {
        ctx.channel_name().map(str::to_owned)
    }
}

/// Both endpoints serve the contract.
fn both() -> (Pair, Docs, Docs) {
    let (at_server, at_client) = (Docs::default(), Docs::default());
    let server = Server::builder().service(at_server.clone());
    (pair_with(server, Client::builder().service(at_client.clone())), at_server, at_client)
}

/// A contract with two parameters, which are texts.
#[ws_service(channel = "wiki/{page}/of/{owner}")]
trait Page {
    async fn both(&self, owner: &str, page: String) -> String;
    async fn owner(&self, owner: &str) -> String;
    #[ws(event)]
    async fn seen(&self);
}

#[derive(Clone, Default)]
struct Pages(Log);

#[ws_handlers(channel = "wiki/{page}/of/{owner}")]
impl Page for Pages {
    async fn both(&self, owner: &str, page: String) -> String {
        format!("{page}|{owner}")
    }
    async fn owner(&self, owner: &str) -> String {
        owner.to_owned()
    }
    async fn seen(&self) {
        self.0.add("seen");
    }
}

/// Returns the code of a call that was rejected by the library.
fn code<T, E>(result: Result<T, wswrapper::CallError<E>>) -> Option<String> {
    match result {
        Err(wswrapper::CallError::Rejected(rejection)) => rejection.code().map(str::to_owned),
        _ => None,
    }
}

/// Returns the code of a call by name that was rejected.
fn code_by_name<T>(result: Result<T, wswrapper::CallError<Rejection>>) -> Option<String> {
    match result {
        Err(wswrapper::CallError::Handler(rejection)) => rejection.code().map(str::to_owned),
        _ => None,
    }
}
