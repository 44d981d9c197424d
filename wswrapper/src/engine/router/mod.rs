//! The tables that map a channel and an event to a handler.
//!
//! [`Router`] holds the methods of mounted services. It is built before the first connection and never changes, so it
//! needs no lock. [`DynamicHandlers`] holds closures, which are added and removed at any time: one set for each peer,
//! one for the server or client, and one for each anonymous channel.
//!
//! A call on the main or a named channel finds the first of these handlers [P-93]: the dynamic handlers of the peer,
//! those of the local endpoint, and the router (`Shared::find_handler`). Within a set of dynamic handlers a one-shot
//! handler precedes a permanent one. A call on an anonymous channel finds only the handlers of that channel: its
//! closures, and then its services (`ChannelState::find_handler`).
//!
//! The [`Lookup`] that is found starts the handler; see [`Handler::start`].

mod dynamic;
mod lookup;
mod mounted;

pub(crate) use dynamic::{DynamicHandlers, Times};
pub(crate) use lookup::Lookup;
pub use mounted::Mounted;

use crate::engine::handler::{Handler, SessionFactory, Sessions};
use crate::engine::label::Label;
use crate::engine::layers::{GuardedHandler, Step};
use crate::engine::shared::Shared;
use crate::error::MountError;
use crate::proto::{Address, ChannelName, check_event};
use foldhash::fast::FixedState;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The mounted services. The keys are names of the program, so a fixed hash is safe; names from a peer are only looked
/// up.
#[derive(Default)]
pub(crate) struct Router {
    main: Events,
    channels: HashMap<ChannelName, Events, FixedState>,
    /// The services that have an instance for each connection. Each is set when its handlers are added.
    sessions: Vec<Option<SessionFactory>>,
    /// The steps of the services that are mounted now.
    steps: Vec<Step>,
}

type Events = HashMap<&'static str, Entry, FixedState>;

/// A handler and the name of its event.
pub(crate) struct Entry {
    pub(crate) event: Label,
    pub(crate) handler: Box<dyn Handler>,
}

impl Router {
    /// Returns the handler of an event.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the dispatch pays for a call otherwise, because others call it, too")]
    pub(crate) fn find(&self, address: &Address<'_>, event: &str) -> Option<&Entry> {
        match address {
            Address::Main => self.main.get(event),
            Address::Named(name) => self.channels.get(&**name)?.get(event),
            Address::Anonymous(_) | Address::InvalidName(_) | Address::InvalidNumber(_) => None,
        }
    }

    /// Returns true if any event is handled on the channel.
    pub(crate) fn has_channel(&self, address: &Address<'_>) -> bool {
        match address {
            Address::Main => true,
            Address::Named(name) => self.channels.contains_key(&**name),
            Address::Anonymous(_) | Address::InvalidName(_) | Address::InvalidNumber(_) => false,
        }
    }

    /// Adds the names of the events that are handled on a channel.
    pub(crate) fn add_event_names(&self, channel: Option<&str>, names: &mut BTreeSet<String>) {
        let events = channel.map_or(Some(&self.main), |channel| self.channels.get(channel));
        names.extend(events.into_iter().flat_map(HashMap::keys).map(|&name| name.to_owned()));
    }

    /// Reserves an index in the sessions of each connection, for a service with an instance for each connection.
    pub(crate) fn add_session(&mut self) -> usize {
        self.sessions.push(None);
        self.sessions.len() - 1
    }

    /// Creates the instances of all services that have one for each connection.
    pub(crate) fn make_sessions(&self, shared: &Arc<Shared>) -> Sessions {
        self.sessions.iter().map(|make| make.as_ref().map(|make| make(shared))).collect()
    }

    /// Mounts services behind the steps of their router, and those of the routers around it.
    pub(crate) fn with_steps<R>(&mut self, steps: &[Step], mount: impl FnOnce(&mut Self) -> R) -> R {
        let outer = self.steps.len();
        self.steps.extend_from_slice(steps);
        let mounted = mount(self);
        self.steps.truncate(outer);
        mounted
    }

    /// Mounts the methods of a service on a channel. Fails if a name is invalid or an event is already handled there.
    pub(crate) fn add_all(&mut self, channel: Option<&str>, mounted: Mounted) -> Result<(), MountError> {
        if let Some((index, make)) = mounted.session {
            self.sessions[index] = Some(make);
        }
        mounted.handlers.into_iter().try_for_each(|(event, handler)| self.add(channel, event, handler))
    }

    fn add(&mut self, channel: Option<&str>, event: &'static str, handler: Box<dyn Handler>) -> Result<(), MountError> {
        check_event(event, channel)?;
        let handler = GuardedHandler::of_router(self.steps.clone(), handler);
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
