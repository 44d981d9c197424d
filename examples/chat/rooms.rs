//! The rooms: who is in them, and what they say.

use crate::contract::{Chat, ChatError, ChatEventsProxy, Message, RoomInfo};
use crate::names::{MAX_NAME, is_visible, name};
use crate::people::Person;
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use wswrapper::server::{Presence, PresenceChange};
use wswrapper::stream::History;
use wswrapper::{Context, Stream, ws_handlers};

/// The rooms that are always there.
const FIRST_ROOMS: [&str; 3] = ["code", "lobby", "tea"];
const MAX_ROOMS: usize = 100;
/// Another room ends when it was empty and silent for this time.
const SILENCE: Duration = Duration::from_secs(600);
/// Maximum length of a message, in characters.
const MAX_TEXT: usize = 2_000;
/// Number of messages that a room keeps, and their size in bytes.
const KEPT_MESSAGES: usize = 500;
const KEPT_BYTES: usize = 64 << 10;

#[derive(Clone)]
struct Room {
    /// The names of those who are in the room. A person with several tabs is there once.
    people: Presence<String>,
    messages: History<Message>,
    used: Instant,
}

impl Room {
    fn new(name: &str) -> Self {
        let messages = History::new().max_items(KEPT_MESSAGES).max_bytes(KEPT_BYTES);
        Self { people: Presence::new(name), messages, used: Instant::now() }
    }
}

/// A connection's stay in a room. It is dropped when the connection enters another room.
#[derive(Default)]
struct Visit(watch::Sender<()>);

/// All rooms, by their names.
pub(crate) struct Rooms(Mutex<BTreeMap<String, Room>>);

impl Default for Rooms {
    fn default() -> Self {
        Self(Mutex::new(FIRST_ROOMS.map(|name| (name.to_owned(), Room::new(name))).into()))
    }
}

impl Rooms {
    /// Returns the room of this name, which may be a new one.
    fn open(&self, name: &str) -> Result<Room, ChatError> {
        let mut rooms = self.lock();
        if !rooms.contains_key(name) && rooms.len() >= MAX_ROOMS {
            return Err(ChatError::TooManyRooms);
        }
        let room = rooms.entry(name.to_owned()).or_insert_with(|| Room::new(name));
        room.used = Instant::now();
        Ok(room.clone())
    }

    /// Returns a room that the caller is in, and a future that is ready when the caller leaves it.
    fn visited(&self, ctx: &Context, name: &str) -> Result<(Room, BoxFuture<'static, ()>), ChatError> {
        let room = self.entered(ctx, name)?;
        let visit = ctx.extensions().get::<Visit>().ok_or(ChatError::NotInRoom)?;
        let mut watcher = visit.0.subscribe();
        Ok((room, async move { drop(watcher.changed().await) }.boxed()))
    }

    /// Returns a room that the caller is in.
    fn entered(&self, ctx: &Context, name: &str) -> Result<Room, ChatError> {
        if !ctx.peer().is_in(name) {
            return Err(ChatError::NotInRoom);
        }
        self.open(name)
    }

    /// Returns the rooms, without those that have ended.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Room>> {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.retain(|name, room| {
            if !room.people.is_empty() {
                room.used = Instant::now();
            }
            FIRST_ROOMS.contains(&name.as_str()) || room.used.elapsed() < SILENCE
        });
        rooms
    }
}

#[ws_handlers]
impl Chat for Rooms {
    async fn rooms(&self) -> Vec<RoomInfo> {
        let info = |(name, room): (&String, &Room)| RoomInfo { name: name.clone(), people: room.people.len() };
        let mut rooms: Vec<_> = self.lock().iter().map(info).collect();
        rooms.sort_by_key(|room| !FIRST_ROOMS.contains(&room.name.as_str()));
        rooms
    }

    async fn enter(&self, ctx: Context, room: String) -> Result<String, ChatError> {
        let name = name(&room).ok_or(ChatError::RoomInvalid { max: MAX_NAME })?.to_lowercase();
        let person = ctx.extension::<Person>().ok_or(ChatError::NotInRoom)?;
        let peer = ctx.peer();
        if !peer.is_in(&name) {
            self.open(&name)?.people.join(&peer, person.name).map_err(|_| ChatError::TooManyRooms)?;
            for other in peer.rooms().iter().filter(|other| ***other != *name) {
                peer.leave(other);
            }
            ctx.extensions().insert(Visit::default());
        }
        Ok(name)
    }

    async fn messages(&self, ctx: Context, room: String) -> Result<impl Stream<Item = Message> + Send, ChatError> {
        let (room, left) = self.visited(&ctx, &room)?;
        Ok(room.messages.replay().take_until(left))
    }

    async fn people(
        &self,
        ctx: Context,
        room: String,
    ) -> Result<impl Stream<Item = PresenceChange<String>> + Send, ChatError> {
        let (room, left) = self.visited(&ctx, &room)?;
        // A server that stops waits for its streams, and this one has no end of its own.
        Ok(room.people.changes().take_until(left).take_until(Box::pin(ctx.draining())))
    }

    async fn say(&self, ctx: Context, room: String, text: String) -> Result<(), ChatError> {
        let person = ctx.extension::<Person>().ok_or(ChatError::NotInRoom)?;
        let room = self.entered(&ctx, &room)?;
        let text = text.trim().to_owned();
        if !is_visible(&text) {
            return Err(ChatError::TextEmpty);
        }
        if text.chars().count() > MAX_TEXT {
            return Err(ChatError::TextTooLong { max: MAX_TEXT });
        }
        room.messages.push(Message { at: now(), from: person.name, text });
        Ok(())
    }

    async fn typing(&self, ctx: Context, room: String) {
        let Some(person) = ctx.extension::<Person>().filter(|_| ctx.peer().is_in(&room)) else { return };
        let others = ctx.room(&room).except(ctx.peer());
        // Who does not get this event misses nothing.
        ChatEventsProxy::new(others).typing(&person.name).await.ok();
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis().try_into().unwrap_or(u64::MAX))
}
