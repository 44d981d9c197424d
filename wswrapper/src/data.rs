//! What a program keeps with a connection.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One value of each type.
#[derive(Default)]
pub(crate) struct Data {
    values: Mutex<Option<Values>>,
}

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

impl Data {
    pub(crate) fn insert<T: Any + Send + Sync>(&self, value: T) -> Option<Arc<T>> {
        let old = self.lock().get_or_insert_default().insert(TypeId::of::<T>(), Arc::new(value));
        old.and_then(|old| old.downcast().ok())
    }

    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = Arc::clone(self.lock().as_ref()?.get(&TypeId::of::<T>())?);
        value.downcast().ok()
    }

    pub(crate) fn remove<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.lock().as_mut()?.remove(&TypeId::of::<T>())?;
        value.downcast().ok()
    }

    /// Takes everything out, to be dropped outside the lock.
    pub(crate) fn take(&self) -> Option<Values> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Values>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
