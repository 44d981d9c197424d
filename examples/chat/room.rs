//! The room: its members and messages.

use crate::contract::{Chat, ChatError, ChatEventsProxy, Draft, Message, Welcome};
use crate::typing::Typing;
use futures_util::{StreamExt as _, stream};
use std::collections::{BTreeMap, VecDeque};
use std::iter;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use wswrapper::{Context, Scoped, Stream, connection::PeerId, server::Audience, ws_handlers};

const NAME_CHARACTERS: usize = 24;
const TEXT_CHARACTERS: usize = 2_000;
/// Number of messages that the server keeps.
const MAX_HISTORY: usize = 1_000;
/// Number of messages that somebody who joins receives.
const WELCOME_HISTORY: usize = 50;

/// A handle to the room.
#[derive(Clone, Default)]
pub(crate) struct Room {
    state: Arc<Mutex<State>>,
    typing: Typing,
}

#[derive(Default)]
struct State {
    members: BTreeMap<PeerId, String>,
    messages: VecDeque<Message>,
    last_id: u64,
}

impl Room {
    /// Removes the member whose connection was closed.
    pub(crate) async fn leave(&self, peer: PeerId, everyone: Audience) {
        let member = self.lock().members.remove(&peer);
        if let Some(name) = member {
            log_failures(ChatEventsProxy::new(everyone).left(name).await);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[ws_handlers]
impl Chat for Room {
    async fn join(&self, ctx: Context, name: String) -> Result<Welcome, ChatError> {
        let name = name.trim().to_owned();
        let welcome = self.lock().join(ctx.peer_id(), &name)?;
        log_failures(ChatEventsProxy::new(ctx.broadcast()).joined(&name).await);
        Ok(welcome)
    }

    async fn say(&self, ctx: Context, text: String) -> Result<Message, ChatError> {
        let message = self.lock().say(ctx.peer_id(), &text)?;
        log_failures(ChatEventsProxy::new(ctx.broadcast()).said(message.clone()).await);
        Ok(message)
    }

    async fn history(&self, before: Option<u64>, limit: Option<usize>) -> impl Stream<Item = Message> + Send {
        let mut before = before.unwrap_or(u64::MAX);
        // Each message is looked up when the caller is ready for it.
        let messages = iter::from_fn(move || {
            let message = self.lock().last_before(before)?;
            before = message.id;
            Some(message)
        });
        stream::iter(messages.take(limit.unwrap_or(MAX_HISTORY)))
    }

    async fn online(&self) -> Vec<String> {
        self.lock().online()
    }

    async fn draft(&self, ctx: Context) -> Result<Scoped<dyn Draft>, ChatError> {
        let name = self.lock().members.get(&ctx.peer_id()).ok_or(ChatError::NotJoined)?.clone();
        Ok(Scoped::new(self.typing.begin(name)))
    }

    async fn typing(&self, ctx: Context) -> impl Stream<Item = Vec<String>> + Send {
        // A server that stops waits for its streams, and this one has no end of its own.
        self.typing.names().take_until(Box::pin(ctx.draining()))
    }
}

impl State {
    fn join(&mut self, peer: PeerId, name: &str) -> Result<Welcome, ChatError> {
        if name.chars().count() > NAME_CHARACTERS || !is_visible(name) || name.chars().any(is_forbidden_in_name) {
            return Err(ChatError::NameInvalid { max: NAME_CHARACTERS });
        }
        if self.members.contains_key(&peer) {
            return Err(ChatError::AlreadyJoined);
        }
        if self.members.values().any(|member| member.to_lowercase() == name.to_lowercase()) {
            return Err(ChatError::NameTaken { name: name.to_owned() });
        }
        self.members.insert(peer, name.to_owned());
        let (online, history) = (self.online(), self.latest());
        Ok(Welcome { name: name.to_owned(), online, history, max_text: TEXT_CHARACTERS })
    }

    fn say(&mut self, peer: PeerId, text: &str) -> Result<Message, ChatError> {
        let from = self.members.get(&peer).ok_or(ChatError::NotJoined)?.clone();
        let text = text.trim();
        if !is_visible(text) {
            return Err(ChatError::TextEmpty);
        }
        if text.chars().count() > TEXT_CHARACTERS {
            return Err(ChatError::TextTooLong { max: TEXT_CHARACTERS });
        }
        self.last_id += 1;
        let message = Message { id: self.last_id, at: now(), from, text: text.to_owned() };
        self.messages.push_back(message.clone());
        if self.messages.len() > MAX_HISTORY {
            self.messages.pop_front();
        }
        Ok(message)
    }

    /// Returns the messages for somebody who joins.
    fn latest(&self) -> Vec<Message> {
        self.messages.range(self.messages.len().saturating_sub(WELCOME_HISTORY)..).cloned().collect()
    }

    fn last_before(&self, id: u64) -> Option<Message> {
        let index = self.messages.partition_point(|message| message.id < id).checked_sub(1)?;
        self.messages.get(index).cloned()
    }

    fn online(&self) -> Vec<String> {
        let mut names: Vec<_> = self.members.values().cloned().collect();
        names.sort_by_key(|name| name.to_lowercase());
        names
    }
}

/// Returns true if `text` has a visible character.
fn is_visible(text: &str) -> bool {
    text.chars().any(|character| !character.is_whitespace() && !is_invisible(character))
}

/// Returns true for invisible characters, because they make different names look the same. Many emoji contain U+FE0F.
fn is_forbidden_in_name(character: char) -> bool {
    is_invisible(character) && character != '\u{fe0f}'
}

/// Returns true for control characters, characters that change the direction of text, and blank ones.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Prints which peers did not receive an event.
fn log_failures(result: Result<wswrapper::server::Delivery, wswrapper::error::SendError>) {
    match result {
        Ok(delivery) => {
            for (peer, error) in delivery.failed {
                eprintln!("peer {peer} did not receive an event: {error}");
            }
        }
        Err(error) => eprintln!("an event was not sent: {error}"),
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis().try_into().unwrap_or(u64::MAX))
}
