//! From channel and event to a handler.

mod dynamic;
mod mounted;

pub(crate) use dynamic::{DynamicHandlers, Lookup, Times};
pub use mounted::Mounted;

use crate::engine::handler::Handler;
use crate::engine::label::Label;
use crate::error::MountError;
use crate::proto::{Address, ChannelName, check_event};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// The mounted services. The names are the user's own, so a fixed hash is safe; the peer's names only look things up.
#[derive(Default)]
pub(crate) struct Router {
    main: Events,
    channels: HashMap<ChannelName, Events, FixedState>,
    sessions: usize,
}

type Events = HashMap<&'static str, Entry, FixedState>;

pub(crate) struct Entry {
    pub(crate) event: Label,
    pub(crate) handler: Box<dyn Handler>,
}

impl Router {
    /// The handler of an event.
    pub(crate) fn find(&self, address: &Address<'_>, event: &str) -> Option<&Entry> {
        match address {
            Address::Main => self.main.get(event),
            Address::Named(name) => self.channels.get(&**name)?.get(event),
            Address::Anonymous(_) | Address::InvalidName(_) | Address::InvalidNumber(_) => None,
        }
    }

    /// Whether anything is handled on the channel.
    pub(crate) fn has_channel(&self, address: &Address<'_>) -> bool {
        match address {
            Address::Main => true,
            Address::Named(name) => self.channels.contains_key(&**name),
            Address::Anonymous(_) | Address::InvalidName(_) | Address::InvalidNumber(_) => false,
        }
    }

    /// Reserves the place of a service that each connection has an object of among the connection's sessions.
    pub(crate) fn add_session(&mut self) -> usize {
        self.sessions += 1;
        self.sessions - 1
    }

    /// Mounts the methods of a service on a channel.
    pub(crate) fn add_all(&mut self, channel: Option<&str>, mounted: Mounted) -> Result<(), MountError> {
        mounted.handlers.into_iter().try_for_each(|(event, handler)| self.add(channel, event, handler))
    }

    fn add(&mut self, channel: Option<&str>, event: &'static str, handler: Box<dyn Handler>) -> Result<(), MountError> {
        check_event(event, channel)?;
        let events = match channel {
            None => &mut self.main,
            Some(name) => self.channels.entry(ChannelName::new(name)?).or_default(),
        };
        match events.insert(event, Entry::new(event, handler)) {
            None => Ok(()),
            Some(_) => Err(MountError::Duplicate { event: event.to_owned(), channel: channel.map(ToOwned::to_owned) }),
        }
    }
}

impl Entry {
    pub(crate) fn new(event: &'static str, handler: Box<dyn Handler>) -> Self {
        Self { event: Label::Fixed(event), handler }
    }
}
