//! The contract of the chat, as the author of another program writes it down.

use serde::{Deserialize, Serialize};
use wswrapper::server::PresenceChange;
use wswrapper::{Context, Stream, WsError, ws_service};

/// Served by the server to those who have signed in.
#[ws_service(channel = "chat")]
pub(super) trait Chat {
    /// Lists the rooms: those that are always there, and then the others.
    async fn rooms(&self) -> Vec<RoomInfo>;
    /// Enters a room, which is new if there is none of this name, and leaves the one before. Returns the room's exact name.
    async fn enter(&self, ctx: Context, room: String) -> Result<String, ChatError>;
    /// Streams the messages that the room has kept, and then the new ones. A call that is sent again after a lost
    /// connection goes on behind the last message that its caller has taken.
    async fn messages(&self, ctx: Context, room: String) -> Result<impl Stream<Item = Message> + Send, ChatError>;
    /// Streams who is in the room: the names of all, and then each change.
    async fn people(
        &self,
        ctx: Context,
        room: String,
    ) -> Result<impl Stream<Item = PresenceChange<String>> + Send, ChatError>;
    /// Sends a message to the room.
    async fn say(&self, ctx: Context, room: String, text: String) -> Result<(), ChatError>;
    /// Tells the others in the room that the caller is typing.
    #[ws(event)]
    async fn typing(&self, ctx: Context, room: String);
}

/// Served by each client.
#[ws_service(channel = "chat")]
pub(super) trait ChatEvents {
    /// Reports that somebody else in the room is typing. It holds for five seconds, or until that person's next message.
    #[ws(event)]
    async fn typing(&self, name: String);
}

/// The event that is sent to all before the server stops.
pub(super) const RESTARTING: &str = "restarting";

/// A room in the list of rooms.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RoomInfo {
    pub(super) name: String,
    /// The number of people in it.
    pub(super) people: usize,
}

/// A message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Message {
    /// Milliseconds since 1970.
    pub(super) at: u64,
    /// The author's name.
    pub(super) from: String,
    pub(super) text: String,
}

/// The reasons for which the server rejects a call.
#[derive(Debug, thiserror::Error, WsError)]
pub(super) enum ChatError {
    #[error("a room's name has 1 to {max} ordinary characters")]
    RoomInvalid { max: usize },
    #[error("there are too many rooms")]
    TooManyRooms,
    #[error("enter the room first")]
    NotInRoom,
    #[error("there is nothing to say")]
    TextEmpty,
    #[error("a message has at most {max} characters")]
    TextTooLong { max: usize },
}
