//! Records of the actions of handlers.

use crate::until;
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// An ordered list of entries.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Appends an entry.
    pub fn add(&self, entry: impl Into<String>) {
        self.0.lock().expect("no thread panicked with the lock").push(entry.into());
    }

    /// Returns a handler that adds the text of each event.
    pub fn handler(&self) -> impl Fn(String) -> Ready<()> + Send + Sync + 'static + use<> {
        let log = self.clone();
        move |text| {
            log.add(text);
            ready(())
        }
    }

    /// Removes and returns all entries.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no thread panicked with the lock"))
    }

    /// Returns all entries.
    pub fn entries(&self) -> Vec<String> {
        self.0.lock().expect("no thread panicked with the lock").clone()
    }

    /// Waits until there are at least `count` entries, and returns all.
    pub async fn has(&self, count: usize) -> Vec<String> {
        until(|| self.entries().len() >= count).await;
        self.entries()
    }
}

/// A count of the [`Guard`]s that are alive.
#[derive(Clone, Debug, Default)]
pub struct Alive(Arc<AtomicUsize>);

impl Alive {
    /// Returns a guard that is counted until it is dropped.
    pub fn guard(&self) -> Guard {
        self.0.fetch_add(1, Ordering::SeqCst);
        Guard(self.clone())
    }

    /// Returns the number of guards.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits until there are `count` guards.
    pub async fn becomes(&self, count: usize) {
        until(|| self.count() == count).await;
    }
}

/// Lowers the count of an [`Alive`] when it is dropped.
#[derive(Debug)]
pub struct Guard(Alive);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
