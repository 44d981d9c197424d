//! The latest changes, for the streams that have not yielded them.

use super::present::Present;
use slab::Slab;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

/// A bounded log of changes. A change that all readers have read is removed, and nothing is logged without a reader.
pub(super) struct Log<M> {
    entries: VecDeque<Entry<M>>,
    /// The number of the next change.
    next: u64,
    /// The wakers of the readers that wait.
    readers: Slab<Option<Waker>>,
    max_entries: usize,
}

struct Entry<M> {
    logged: Logged<M>,
    /// The number of readers that have not read it.
    unread: usize,
}

/// A change.
pub(super) struct Logged<M> {
    pub(super) kind: Kind,
    pub(super) present: Arc<Present<M>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Joined,
    Changed,
    Left,
}

/// A place in the log.
#[derive(Debug)]
pub(super) struct Reader {
    key: usize,
    /// The number of the change that is read next.
    next: u64,
}

/// The result of a reading.
pub(super) enum Reading<M> {
    Change(Logged<M>),
    /// All changes were read.
    Nothing,
    /// The log no longer has the next change.
    Overtaken,
}

impl<M> Log<M> {
    pub(super) fn new() -> Self {
        Self { entries: VecDeque::new(), next: 0, readers: Slab::new(), max_entries: 1_024 }
    }

    pub(super) fn set_max_entries(&mut self, max: usize) {
        self.max_entries = max;
    }

    /// Appends a change. The values that leave the log are dropped outside the lock.
    pub(super) fn push(&mut self, kind: Kind, present: &Arc<Present<M>>, dropped: &mut Vec<Arc<Present<M>>>) {
        if self.readers.is_empty() {
            return;
        }
        let logged = Logged { kind, present: Arc::clone(present) };
        self.entries.push_back(Entry { logged, unread: self.readers.len() });
        self.next += 1;
        if self.entries.len() > self.max_entries {
            dropped.extend(self.entries.pop_front().map(|entry| entry.logged.present));
        }
    }

    /// Adds a reader, which reads the changes from now on.
    pub(super) fn subscribe(&mut self) -> Reader {
        Reader { key: self.readers.insert(None), next: self.next }
    }

    /// Returns the next change for a reader.
    pub(super) fn read(&mut self, reader: &mut Reader) -> Reading<M> {
        if reader.next == self.next {
            return Reading::Nothing;
        }
        let Some(entry) = self.index(reader.next).and_then(|index| self.entries.get_mut(index)) else {
            return Reading::Overtaken;
        };
        entry.unread -= 1;
        reader.next += 1;
        let Logged { kind, present } = &entry.logged;
        let logged = Logged { kind: *kind, present: Arc::clone(present) };
        // Readers read in order, so no change is read before an older one. The copy keeps the value of this one.
        if self.entries.front().is_some_and(|entry| entry.unread == 0) {
            self.entries.pop_front();
        }
        Reading::Change(logged)
    }

    /// Passes over all changes that a reader has not read. The values that leave the log are dropped outside the lock.
    pub(super) fn skip(&mut self, reader: &mut Reader, dropped: &mut Vec<Arc<Present<M>>>) {
        let first = self.index(reader.next).unwrap_or(0);
        self.entries.range_mut(first..).for_each(|entry| entry.unread -= 1);
        reader.next = self.next;
        while self.entries.front().is_some_and(|entry| entry.unread == 0) {
            dropped.extend(self.entries.pop_front().map(|entry| entry.logged.present));
        }
    }

    /// Removes all changes. They are dropped outside the lock.
    pub(super) fn clear(&mut self, dropped: &mut Vec<Arc<Present<M>>>) {
        dropped.extend(self.entries.drain(..).map(|entry| entry.logged.present));
    }

    /// Removes a reader. Its waker and the values that leave the log are dropped outside the lock.
    pub(super) fn unsubscribe(&mut self, mut reader: Reader, dropped: &mut Vec<Arc<Present<M>>>) -> Option<Waker> {
        self.skip(&mut reader, dropped);
        let waker = self.readers.try_remove(reader.key).flatten();
        if self.readers.is_empty() {
            self.readers.shrink_to_fit();
            self.entries.shrink_to_fit();
        }
        waker
    }

    /// Returns the place of a reader's waker.
    pub(super) fn waker(&mut self, reader: &Reader) -> &mut Option<Waker> {
        &mut self.readers[reader.key]
    }

    /// Takes the wakers of all readers that wait. They are woken outside the lock.
    pub(super) fn take_wakers(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.readers.iter_mut().filter_map(|(_, waker)| waker.take()));
    }

    /// Returns the index of a change, or `None` if the log no longer has it.
    fn index(&self, change: u64) -> Option<usize> {
        let oldest = self.next - self.entries.len() as u64;
        change.checked_sub(oldest).and_then(|index| usize::try_from(index).ok())
    }
}
