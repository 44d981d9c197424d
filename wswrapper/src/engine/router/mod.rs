//! The tables that map a channel and an event to a handler.
//!
//! [`Router`] holds the methods of mounted services. It is built before the first connection and never changes, so it
//! needs no lock. A name is looked up among the exact names of channels, and only then among the patterns.
//! [`DynamicHandlers`] holds closures, which are added and removed at any time: one set for each peer,
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
pub(crate) use mounted::MountedMethod;

use crate::engine::channel_names::{
    ChannelPattern, ChannelRules, OnPattern, ParameterCheck, ParameterGuard, PatternMap, accepts, decode_value,
};
use crate::engine::entering::{ChannelHook, ChannelHooks, EnterLayer};
use crate::engine::handler::{Handler, SessionFactory, Sessions};
use crate::engine::label::Label;
use crate::engine::layers::{GuardedHandler, Step};
use crate::engine::shared::Shared;
use crate::error::MountError;
use crate::proto::{Address, ChannelName, check_event};
use foldhash::fast::FixedState;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The mounted services. The keys are names of the program, so a fixed hash is safe; names from a peer are only looked
/// up.
#[derive(Default)]
pub(crate) struct Router {
    main: Events,
    channels: HashMap<ChannelName, Events, FixedState>,
    /// The channels with parameters. `None` if there are none.
    patterns: Option<Box<PatternMap<PatternChannel>>>,
    /// The hooks of channels, set before services are mounted.
    hooks: Vec<(ChannelPattern, ChannelHook)>,
    joined_hooks: Option<Arc<ChannelRules<Arc<ChannelHooks>>>>,
    /// The services that have an instance for each connection. Each is set when its handlers are added.
    sessions: Vec<Option<SessionFactory>>,
    /// The steps of the services that are mounted now.
    steps: Vec<Step>,
}

type Events = HashMap<&'static str, Entry, FixedState>;

/// The services on a channel with parameters.
#[derive(Default)]
struct PatternChannel {
    events: Events,
    /// The parameters of each service.
    parameters: Vec<Arc<[ParameterCheck]>>,
}

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
            Address::Named(name) => match self.channels.get(&**name) {
                Some(events) => events.get(event),
                None => self.find_by_pattern(name, event),
            },
            Address::Anonymous(_) | Address::InvalidName(_) | Address::InvalidNumber(_) => None,
        }
    }

    fn find_by_pattern(&self, channel: &str, event: &str) -> Option<&Entry> {
        self.patterns.as_ref()?.find(channel)?.1.events.get(event)
    }

    /// Returns the pattern of the channel with parameters that a name stands for.
    pub(crate) fn pattern(&self, channel: &str) -> Option<&ChannelPattern> {
        let patterns = self.patterns.as_ref()?;
        if self.channels.contains_key(channel) { None } else { patterns.find(channel).map(|(pattern, _)| pattern) }
    }

    /// Returns the value of a parameter in the name of a channel.
    pub(crate) fn parameter<'n>(&self, name: &str, channel: &'n str) -> Option<Cow<'n, str>> {
        self.pattern(channel)?.value(name, channel).and_then(decode_value)
    }

    /// Returns true if any event is handled on the channel.
    pub(crate) fn has_channel(&self, address: &Address<'_>) -> bool {
        match address {
            Address::Main => true,
            Address::Named(name) => self.channels.contains_key(&**name) || self.has_valid_name(name),
            Address::Anonymous(_) | Address::InvalidName(_) | Address::InvalidNumber(_) => false,
        }
    }

    /// Returns true if a service on a channel with parameters accepts the values of the name.
    fn has_valid_name(&self, name: &str) -> bool {
        let found = self.patterns.as_ref().and_then(|patterns| patterns.find(name));
        found.is_some_and(|(pattern, PatternChannel { parameters, .. })| {
            parameters.iter().any(|checks| accepts(pattern, checks, name))
        })
    }

    /// Adds the names of the events that are handled on a channel.
    pub(crate) fn add_event_names(&self, channel: Option<&str>, names: &mut BTreeSet<String>) {
        let by_pattern = |channel| {
            let patterns = self.patterns.as_ref()?;
            let found = patterns.get(channel).or_else(|| patterns.find(channel).map(|(_, found)| found));
            found.map(|found| &found.events)
        };
        let events = match channel {
            None => Some(&self.main),
            Some(channel) => self.channels.get(channel).or_else(|| by_pattern(channel)),
        };
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

    /// Sets the hooks of channels, before services are mounted.
    pub(crate) fn set_hooks(&mut self, hooks: Vec<(ChannelPattern, ChannelHook)>) {
        let rules: Vec<_> = hooks.iter().map(|hook| (hook.0.clone(), hook.clone())).collect();
        let join = |hooks: &mut dyn Iterator<Item = &_>| Arc::new(ChannelHooks::join(hooks));
        self.joined_hooks = (!hooks.is_empty()).then(|| Arc::new(ChannelRules::new(&rules, join)));
        self.hooks = hooks;
    }

    /// Returns true if a service is mounted on a channel whose name matches.
    pub(crate) fn is_mounted_on(&self, channel: &ChannelPattern) -> bool {
        let mut names = self.channels.keys().filter_map(|name| ChannelPattern::parse(name.as_str()).ok());
        let mut patterns = self.patterns.iter().flat_map(|patterns| patterns.patterns());
        names.any(|mounted| mounted.meet(channel).is_some()) || patterns.any(|mounted| mounted.meet(channel).is_some())
    }

    /// Fails if a hook is for a channel on which no service is mounted.
    pub(crate) fn check_hooks(&self) -> Result<(), MountError> {
        match self.hooks.iter().find(|(hook, _)| !self.is_mounted_on(hook)) {
            None => Ok(()),
            Some((hook, _)) => Err(MountError::UnusedHook { channel: hook.text().to_owned() }),
        }
    }

    /// Mounts the methods of a service on a channel. Fails if a name is invalid or an event is already handled there.
    pub(crate) fn add_all(&mut self, channel: Option<&str>, mounted: Mounted) -> Result<(), MountError> {
        let Mounted { methods, parameters, session } = mounted;
        if let Some((index, make)) = session {
            self.sessions[index] = Some(make);
        }
        let pattern = channel.map(ChannelPattern::parse).transpose()?;
        let names: Vec<_> = pattern.iter().flat_map(ChannelPattern::parameters).collect();
        if let Some(missing) = parameters.iter().find(|parameter| !names.contains(&parameter.name)) {
            let channel = channel.unwrap_or_default().to_owned();
            return Err(MountError::MissingParameter { parameter: missing.name.to_owned(), channel });
        }
        let parameters: Arc<[_]> = parameters.into();
        if let Some(pattern) = pattern.as_ref().filter(|pattern| pattern.has_parameters()) {
            self.pattern_channel(pattern)?.parameters.push(Arc::clone(&parameters));
        }
        methods.into_iter().try_for_each(|method| self.add(pattern.as_ref(), method, &parameters))
    }

    fn add(
        &mut self,
        channel: Option<&ChannelPattern>,
        method: MountedMethod,
        parameters: &Arc<[ParameterCheck]>,
    ) -> Result<(), MountError> {
        let MountedMethod { event, guards, handler } = method;
        check_event(event, channel.map(ChannelPattern::text))?;
        let with_values = channel.filter(|channel| channel.has_parameters()).cloned();
        let enter = channel.and_then(|channel| self.enter_step(channel));
        let handler = match with_values.clone() {
            Some(pattern) => Box::new(OnPattern { pattern, handler }),
            None => handler,
        };
        // The values are checked before a guard of the method sees them, and the channel is entered after all guards.
        let check = with_values
            .map(|pattern| Step::Guard(Arc::new(ParameterGuard { pattern, checks: Arc::clone(parameters) })));
        let handler = GuardedHandler::of_method(check.into_iter().chain(guards).chain(enter).collect(), handler);
        let entry = Entry::new(event, GuardedHandler::of_router(self.steps.clone(), handler));
        let events = match channel {
            None => &mut self.main,
            Some(pattern) if pattern.has_parameters() => &mut self.pattern_channel(pattern)?.events,
            Some(name) => self.channels.entry(ChannelName::new(name.text())?).or_default(),
        };
        match events.insert(event, entry) {
            None => Ok(()),
            Some(_) => {
                let channel = channel.map(|channel| channel.text().to_owned());
                Err(MountError::Duplicate { event: event.to_owned(), channel })
            }
        }
    }

    /// Returns the layer in which peers enter a channel, if there are hooks for it.
    fn enter_step(&self, channel: &ChannelPattern) -> Option<Step> {
        let is_hooked = self.hooks.iter().any(|(hook, _)| hook.meet(channel).is_some());
        let hooks = self.joined_hooks.as_ref().filter(|_| is_hooked)?;
        Some(Step::Layer(Arc::new(EnterLayer::new(Arc::clone(hooks)))))
    }

    fn pattern_channel(&mut self, pattern: &ChannelPattern) -> Result<&mut PatternChannel, MountError> {
        let patterns = self.patterns.get_or_insert_default();
        patterns.entry(pattern, PatternChannel::default).map_err(|other| MountError::AmbiguousChannel {
            channel: pattern.text().to_owned(),
            other: other.text().to_owned(),
        })
    }
}

impl Entry {
    pub(crate) fn new(event: &'static str, handler: Box<dyn Handler>) -> Self {
        Self { event: Label::Fixed(event), handler }
    }
}
