//! Values that a program stores with a connection or a client.

use crate::lock::lock;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

/// Values that a program stores with a connection or a client, one of each type.
///
/// An `Extensions` is cheap to clone; all clones hold the same values. Those of a connection are dropped when it is
/// closed and its [`on_close`](crate::server::ServerBuilder::on_close) hook has returned. After that it stores none.
///
/// ```
/// use wswrapper::connection::Extensions;
///
/// #[derive(Debug, PartialEq)]
/// struct UserName(&'static str);
///
/// let extensions = Extensions::new();
/// extensions.insert(UserName("Ada"));
/// assert_eq!(extensions.get::<UserName>().as_deref(), Some(&UserName("Ada")));
/// ```
#[derive(Clone, Default)]
pub struct Extensions {
    contents: Arc<Mutex<Contents>>,
}

#[derive(Default)]
struct Contents {
    /// Boxed, because most connections store nothing.
    values: Option<Box<Values>>,
    /// True once the connection is closed. Further values are dropped.
    closed: bool,
}

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

impl Extensions {
    /// Creates an empty set, for a connection that is [accepted](crate::Server::accept_transport_with) with it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores a value, and returns the value of the same type that it replaces.
    pub fn insert<T: Any + Send + Sync>(&self, value: T) -> Option<Arc<T>> {
        let value = Arc::new(value);
        let mut contents = self.lock();
        if contents.closed {
            return None;
        }
        let old = contents.values.get_or_insert_default().insert(TypeId::of::<T>(), value);
        drop(contents);
        old.and_then(|old| old.downcast().ok())
    }

    /// Returns the value of this type.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = Arc::clone(self.lock().values.as_ref()?.get(&TypeId::of::<T>())?);
        value.downcast().ok()
    }

    /// Removes and returns the value of this type.
    pub fn remove<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.lock().values.as_mut()?.remove(&TypeId::of::<T>())?;
        value.downcast().ok()
    }

    /// Removes all values, and accepts no more. The caller drops each value by itself, outside any lock, because a drop
    /// may panic.
    pub(crate) fn close(&self) -> impl Iterator<Item = Arc<dyn Any + Send + Sync>> + use<> {
        let mut contents = self.lock();
        contents.closed = true;
        contents.values.take().into_iter().flat_map(|values| values.into_values())
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        lock(&self.contents)
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.lock().values.as_ref().map_or(0, |values| values.len());
        f.debug_struct("Extensions").field("len", &len).finish_non_exhaustive()
    }
}
