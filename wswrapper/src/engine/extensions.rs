//! What a program keeps with a connection.

use crate::lock::lock;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// One value of each type.
#[derive(Default)]
pub(crate) struct Extensions {
    contents: Mutex<Contents>,
}

#[derive(Default)]
struct Contents {
    /// Most connections keep nothing.
    values: Option<Box<Values>>,
    /// Nothing is taken in any more.
    closed: bool,
}

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

impl Extensions {
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

    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = Arc::clone(self.lock().values.as_ref()?.get(&TypeId::of::<T>())?);
        value.downcast().ok()
    }

    pub(crate) fn remove<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.lock().values.as_mut()?.remove(&TypeId::of::<T>())?;
        value.downcast().ok()
    }

    /// Takes everything out, to be dropped outside the lock, each by itself; perhaps for good.
    pub(crate) fn take(&self, close: bool) -> impl Iterator<Item = Arc<dyn Any + Send + Sync>> + use<> {
        let mut contents = self.lock();
        contents.closed = close;
        contents.values.take().into_iter().flat_map(|values| values.into_values())
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        lock(&self.contents)
    }
}
