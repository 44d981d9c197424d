//! The extensions of a request that stay with its connection.

use crate::engine::Extensions;
use std::fmt;

/// The types of extensions that are copied from the request.
#[derive(Default)]
pub(crate) struct KeptTypes(Vec<fn(&http::Extensions, &Extensions)>);

impl KeptTypes {
    pub(crate) fn add<T: Clone + Send + Sync + 'static>(&mut self) {
        self.0.push(|from, to| {
            if let Some(value) = from.get::<T>() {
                to.insert(value.clone());
            }
        });
    }

    pub(super) fn copy(&self, from: &http::Extensions, to: &Extensions) {
        for copy in &self.0 {
            copy(from, to);
        }
    }
}

impl fmt::Debug for KeptTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptTypes").field("len", &self.0.len()).finish()
    }
}
