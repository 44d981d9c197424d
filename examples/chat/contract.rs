//! What the chat's server and its clients agree on.

#![allow(unreachable_pub, reason = "shared by two programs, as a crate of its own would be")]

use serde::{Deserialize, Serialize};
use wswrapper::{Context, Scoped, Stream, WsError, ws_service};

/// What the server does for a client.
#[ws_service(channel = "chat")]
pub trait Chat {
    /// Joins under a name that nobody else has.
    async fn join(&self, ctx: Context, name: String) -> Result<Welcome, ChatError>;
    /// Says something to everyone.
    async fn say(&self, ctx: Context, text: String) -> Result<Line, ChatError>;
    /// The lines before a given one, or all; newest first, and at most so many.
    async fn history(&self, before: Option<u64>, limit: Option<usize>) -> impl Stream<Item = Line> + Send;
    /// Who is here.
    async fn online(&self) -> Vec<String>;
    /// Begins a line that is not said yet: as long as the caller keeps it, it is typing.
    async fn draft(&self, ctx: Context) -> Result<Scoped<dyn Draft>, ChatError>;
    /// Who is typing: now, and again when that has changed, but for a caller that is slow only the latest.
    #[ws(on_full = "latest")]
    async fn typing(&self) -> impl Stream<Item = Vec<String>> + Send;
}

/// A line that is not said yet. That it is there is all that there is to it.
#[ws_service]
pub trait Draft {}

/// What a client is told.
#[ws_service(channel = "chat")]
pub trait ChatEvents {
    /// Somebody joined.
    #[ws(event)]
    async fn joined(&self, name: String);
    /// Somebody left.
    #[ws(event)]
    async fn left(&self, name: String);
    /// Somebody said something.
    #[ws(event)]
    async fn said(&self, line: Line);
}

/// What somebody who joins gets to see.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// The name, trimmed.
    pub name: String,
    /// Who is here.
    pub online: Vec<String>,
    /// The newest lines, oldest first.
    pub history: Vec<Line>,
    /// How many characters a line has at most.
    pub max_text: usize,
}

/// Something that was said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Counts up.
    pub id: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    /// Who said it.
    pub from: String,
    /// What was said.
    pub text: String,
}

/// Why the server refuses something.
#[derive(Debug, thiserror::Error, WsError)]
pub enum ChatError {
    #[error("the name {name} is taken")]
    NameTaken { name: String },
    #[error("a name has 1 to {max} ordinary characters")]
    NameInvalid { max: usize },
    #[error("you have joined already")]
    AlreadyJoined,
    #[error("join first")]
    NotJoined,
    #[error("there is nothing to say")]
    TextEmpty,
    #[error("a line has at most {max} characters")]
    TextTooLong { max: usize },
}
