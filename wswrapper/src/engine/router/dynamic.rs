//! Handlers that are added and removed at any time.

use super::{Entry, Lookup};
use crate::engine::handler::Handler;
use crate::engine::label::Label;
use crate::lock::lock;
use crate::proto::{Address, ChannelName, NameError, check_event};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The dynamic handlers of a peer, of a server or client, or of an anonymous channel.
#[derive(Default)]
pub(crate) struct DynamicHandlers {
    /// The number of handlers. A lookup takes no lock while it is zero.
    count: AtomicUsize,
    tables: Mutex<Tables>,
    /// True for an anonymous channel. No name is reserved there [P-21].
    anonymous: bool,
}

#[derive(Default)]
struct Tables {
    main: Table,
    channels: HashMap<ChannelName, Table>,
    /// True after `close`. Further handlers are dropped.
    closed: bool,
}

type Table = HashMap<Arc<str>, Slot>;

/// The handlers of an event. The one-shot handler precedes the other [P-93].
#[derive(Default)]
struct Slot {
    once: Option<Arc<Entry>>,
    always: Option<Arc<Entry>>,
}

/// The number of times that a handler runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    Once,
    Always,
}

impl DynamicHandlers {
    /// Creates the set of an anonymous channel.
    pub(crate) fn anonymous() -> Self {
        Self { anonymous: true, ..Self::default() }
    }

    /// Adds a handler. It replaces the handler that the event has for the same `times`.
    pub(crate) fn add(
        &self,
        channel: Option<&str>,
        event: Arc<str>,
        times: Times,
        handler: Box<dyn Handler>,
    ) -> Result<(), NameError> {
        check_event(&event, channel.or(self.anonymous.then_some("")))?;
        let channel = channel.map(ChannelName::new).transpose()?;
        let entry = Arc::new(Entry { event: Label::Shared(Arc::clone(&event)), handler });
        let mut tables = self.lock();
        if tables.closed {
            drop(tables);
            drop(entry);
            return Ok(());
        }
        let table = match channel {
            None => &mut tables.main,
            Some(channel) => tables.channels.entry(channel).or_default(),
        };
        let slot = table.entry(event).or_default();
        let target = if times == Times::Once { &mut slot.once } else { &mut slot.always };
        let replaced = target.replace(entry);
        if replaced.is_none() {
            self.count.fetch_add(1, Ordering::Release);
        }
        drop(tables);
        // The closure belongs to the user, so it is dropped outside the lock.
        drop(replaced);
        Ok(())
    }

    /// Removes all handlers of an event. Returns true if there was one.
    pub(crate) fn remove(&self, channel: Option<&str>, event: &str) -> bool {
        let mut tables = self.lock();
        let removed = match channel {
            None => tables.main.remove(event),
            Some(channel) => {
                let table = tables.channels.get_mut(channel);
                let removed = table.and_then(|table| table.remove(event));
                tables.channels.retain(|_, table| !table.is_empty());
                removed
            }
        };
        self.subtract(removed.iter());
        drop(tables);
        removed.is_some()
    }

    /// Removes all handlers of a channel.
    pub(crate) fn remove_channel(&self, channel: &str) {
        let mut tables = self.lock();
        let removed = tables.channels.remove(channel);
        self.subtract(removed.iter().flat_map(HashMap::values));
        drop(tables);
        drop(removed);
    }

    /// Removes all handlers and accepts no more. The caller drops each handler by itself, because a drop may panic.
    pub(crate) fn close(&self) -> impl Iterator<Item = Arc<Entry>> + use<> {
        let mut tables = self.lock();
        let Tables { main, channels, .. } =
            std::mem::replace(&mut *tables, Tables { closed: true, ..Tables::default() });
        self.count.store(0, Ordering::Release);
        let removed = std::iter::once(main).chain(channels.into_values()).flat_map(Table::into_values);
        removed.flat_map(|Slot { once, always }| [once, always]).flatten()
    }

    /// Finds the handler of an event. A one-shot handler is removed.
    #[inline]
    pub(crate) fn find(&self, address: &Address<'_>, event: &str) -> Option<Lookup<'_>> {
        if self.count.load(Ordering::Acquire) == 0 { None } else { self.find_locked(address, event) }
    }

    fn find_locked(&self, address: &Address<'_>, event: &str) -> Option<Lookup<'_>> {
        let mut tables = self.lock();
        let table = tables.get_mut(address)?;
        let slot = table.get_mut(event)?;
        match slot.once.take() {
            Some(entry) => {
                if slot.always.is_none() {
                    table.remove(event);
                    if let (true, Address::Named(name)) = (table.is_empty(), address) {
                        tables.channels.remove(&**name);
                    }
                }
                self.count.fetch_sub(1, Ordering::Release);
                Some(Lookup::Once(entry, self))
            }
            None => slot.always.clone().map(Lookup::Shared),
        }
    }

    /// Returns true if the event has a handler.
    pub(crate) fn contains(&self, address: &Address<'_>, event: &str) -> bool {
        let is_in = |table: &mut Table| table.contains_key(event);
        self.count.load(Ordering::Acquire) > 0 && self.lock().get_mut(address).is_some_and(is_in)
    }

    /// Puts back a one-shot handler that was found and did not run, unless the event has a new one.
    pub(super) fn restore(&self, address: &Address<'_>, entry: Arc<Entry>) {
        let mut tables = self.lock();
        if tables.closed {
            return;
        }
        let table = match address {
            Address::Named(name) => ChannelName::new(name).ok().map(|name| tables.channels.entry(name).or_default()),
            address => tables.get_mut(address),
        };
        let Some(table) = table else { return };
        let slot = table.entry((*entry.event).into()).or_default();
        if slot.once.is_none() {
            slot.once = Some(entry);
            self.count.fetch_add(1, Ordering::Release);
        }
    }

    /// Adds the names of the events that are handled on a channel.
    pub(crate) fn add_event_names(&self, channel: Option<&str>, names: &mut BTreeSet<String>) {
        let tables = self.lock();
        let table = channel.map_or(Some(&tables.main), |channel| tables.channels.get(channel));
        names.extend(table.into_iter().flat_map(HashMap::keys).map(ToString::to_string));
    }

    /// Returns true if any event is handled on the named channel.
    pub(crate) fn has_channel(&self, channel: &str) -> bool {
        self.count.load(Ordering::Acquire) > 0 && self.lock().channels.contains_key(channel)
    }

    /// Subtracts removed handlers from the count.
    fn subtract<'s>(&self, slots: impl Iterator<Item = &'s Slot>) {
        let handlers = slots.map(|slot| usize::from(slot.once.is_some()) + usize::from(slot.always.is_some())).sum();
        self.count.fetch_sub(handlers, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        lock(&self.tables)
    }
}

impl Tables {
    /// Returns the table of a channel. The handlers of an anonymous channel are in the main table of its set.
    fn get_mut(&mut self, address: &Address<'_>) -> Option<&mut Table> {
        match address {
            Address::Main | Address::Anonymous(_) => Some(&mut self.main),
            Address::Named(name) => self.channels.get_mut(&**name),
            Address::InvalidName(_) | Address::InvalidNumber(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DynamicHandlers, Lookup, Times};
    use crate::engine::handler::{BadCall, Handler, Start, Started};
    use crate::proto::Address;
    use std::sync::atomic::Ordering;

    struct Nothing;

    impl Handler for Nothing {
        fn start(&self, _: Start<'_>) -> Result<Started, BadCall> {
            Err(BadCall::NotJson)
        }
    }

    fn address(channel: Option<&str>) -> Address<'_> {
        channel.map_or(Address::Main, |name| Address::Named(name.into()))
    }

    fn add_once(handlers: &DynamicHandlers, channel: Option<&str>, event: &str) {
        handlers.add(channel, event.into(), Times::Once, Box::new(Nothing)).expect("a good name");
    }

    /// Returns the number of handlers, of events with an entry, and of channels.
    fn counts(handlers: &DynamicHandlers) -> (usize, usize, usize) {
        let tables = handlers.lock();
        let events = tables.main.len() + tables.channels.values().map(super::Table::len).sum::<usize>();
        (handlers.count.load(Ordering::Acquire), events, tables.channels.len())
    }

    #[test]
    fn one_shot_handlers_leave_no_entry_after_they_were_found() {
        let handlers = DynamicHandlers::default();
        for n in 0..1_000 {
            let (event, channel) = (format!("event {n}"), format!("channel {n}"));
            for channel in [None, Some(&*channel)] {
                add_once(&handlers, channel, &event);
                assert!(handlers.find(&address(channel), &event).is_some());
                assert!(handlers.find(&address(channel), &event).is_none());
            }
        }
        assert_eq!(counts(&handlers), (0, 0, 0));
        let tables = handlers.lock();
        assert!(tables.main.capacity() <= 16 && tables.channels.capacity() <= 16);
    }

    #[test]
    fn finding_a_one_shot_handler_keeps_the_other_handlers_of_its_channel() {
        let handlers = DynamicHandlers::default();
        handlers.add(Some("io"), "both".into(), Times::Always, Box::new(Nothing)).expect("a good name");
        for event in ["both", "one"] {
            add_once(&handlers, Some("io"), event);
            assert!(handlers.find(&address(Some("io")), event).is_some());
        }
        assert_eq!(counts(&handlers), (1, 1, 1));
        assert!(handlers.has_channel("io"));
        assert!(handlers.find(&address(Some("io")), "both").is_some_and(|lookup| matches!(lookup, Lookup::Shared(_))));
    }

    #[test]
    fn a_restored_one_shot_handler_is_found_again() {
        let handlers = DynamicHandlers::default();
        for channel in [None, Some("io")] {
            add_once(&handlers, channel, "ask");
            for _ in 0..2 {
                let lookup = handlers.find(&address(channel), "ask").expect("it was added");
                lookup.restore(&address(channel));
            }
            // It does not replace a new one.
            let lookup = handlers.find(&address(channel), "ask").expect("it was restored");
            add_once(&handlers, channel, "ask");
            lookup.restore(&address(channel));
            assert!(handlers.find(&address(channel), "ask").is_some());
            assert!(handlers.find(&address(channel), "ask").is_none());
        }
        // It is dropped after the set was closed.
        add_once(&handlers, None, "ask");
        let lookup = handlers.find(&address(None), "ask").expect("it was added");
        assert_eq!(handlers.close().count(), 0);
        lookup.restore(&address(None));
        assert_eq!(counts(&handlers), (0, 0, 0));
    }
}
