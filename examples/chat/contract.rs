//! The service traits and types that the chat's server and its clients share.

#![allow(unreachable_pub, reason = "two examples share this module")]

use serde::{Deserialize, Serialize};
use wswrapper::{Context, Scoped, Stream, WsError, ws_service};

/// Served by the server.
#[ws_service(channel = "chat")]
pub trait Chat {
    /// Joins the room under a name that nobody else has.
    async fn join(&self, ctx: Context, name: String) -> Result<Welcome, ChatError>;
    /// Sends a message to everyone.
    async fn say(&self, ctx: Context, text: String) -> Result<Message, ChatError>;
    /// Streams the messages with ids below `before`, or all of them, newest first, at most `limit`.
    async fn history(&self, before: Option<u64>, limit: Option<usize>) -> impl Stream<Item = Message> + Send;
    /// Returns the names of the people in the room.
    async fn online(&self) -> Vec<String>;
    /// Opens a draft. The caller counts as typing until it drops the draft.
    async fn draft(&self, ctx: Context) -> Result<Scoped<dyn Draft>, ChatError>;
    /// Streams the names of those who are typing, now and after each change. A slow caller gets only the latest names.
    #[ws(on_full = "latest")]
    async fn typing(&self, ctx: Context) -> impl Stream<Item = Vec<String>> + Send;
}

/// A message that is being typed. It has no methods, because only its existence matters.
#[ws_service]
pub trait Draft {}

/// Served by each client.
#[ws_service(channel = "chat")]
pub trait ChatEvents {
    /// Reports that `name` joined.
    #[ws(event)]
    async fn joined(&self, name: String);
    /// Reports that `name` left.
    #[ws(event)]
    async fn left(&self, name: String);
    /// Delivers a new message.
    #[ws(event)]
    async fn said(&self, message: Message);
}

/// The state of the room for somebody who joins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// The name without surrounding white space.
    pub name: String,
    /// The names of the people in the room.
    pub online: Vec<String>,
    /// The latest messages, oldest first.
    pub history: Vec<Message>,
    /// The maximum length of a message in characters.
    pub max_text: usize,
}

/// A message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// The number of the message, counted up by the server.
    pub id: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    /// The author's name.
    pub from: String,
    /// The text of the message.
    pub text: String,
}

/// The reasons for which the server rejects a call.
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
