//! Values that a program stores with a connection.

use crate::lock::lock;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// The values of a connection, one of each type.
#[derive(Default)]
pub(crate) struct Extensions {
    contents: Mutex<Contents>,
}

#[derive(Default)]
struct Contents {
    /// Boxed, because most connections store nothing.
    values: Option<Box<Values>>,
    /// True once the connection is closed for good. Further values are dropped.
    closed: bool,
}

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

impl Extensions {
    /// Stores a value, and returns the former value of its type.
    pub(crate) fn insert<T: Any + Send + Sync>(&self, value: T) -> Option<Arc<T>> {
        let value = Arc::new(value);
        let mut contents = self.lock();
        if contents.closed {
            return None;
        }
        let old = contents.values.get_or_insert_default().insert(TypeId::of::<T>(), value);
        drop(contents);
        old.and_then(|old| old.downcast().ok())
    }

    /// Returns the value of a type.
    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = Arc::clone(self.lock().values.as_ref()?.get(&TypeId::of::<T>())?);
        value.downcast().ok()
    }

    /// Removes the value of a type.
    pub(crate) fn remove<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.lock().values.as_mut()?.remove(&TypeId::of::<T>())?;
        value.downcast().ok()
    }

    /// Removes all values, and accepts no more if `close` is set. The caller drops each value by itself, outside any
    /// lock, because a drop may panic.
    pub(crate) fn take(&self, close: bool) -> impl Iterator<Item = Arc<dyn Any + Send + Sync>> + use<> {
        let mut contents = self.lock();
        contents.closed = close;
        contents.values.take().into_iter().flat_map(|values| values.into_values())
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        lock(&self.contents)
    }
}
