use std::fmt::Display;
use std::thread;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Error;

/// The errors of one item. All of them are reported together.
///
/// Panics if it is dropped with errors that were not reported, because that is a bug in this crate.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    found: Vec<Error>,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds an error that underlines all of `node`.
    pub(crate) fn push(&mut self, node: &impl ToTokens, message: impl Display) {
        self.found.push(Error::new_spanned(node, message));
    }

    /// Adds an error that underlines `span`, the span of one token.
    pub(crate) fn push_at(&mut self, span: Span, message: impl Display) {
        self.found.push(Error::new(span, message));
    }

    pub(crate) fn add(&mut self, error: Error) {
        self.found.push(error);
    }

    /// Returns the value of `Ok`, or adds the error.
    pub(crate) fn ok<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    pub(crate) fn report(mut self) -> TokenStream {
        self.found.drain(..).map(|error| error.to_compile_error()).collect()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        assert!(self.found.is_empty() || thread::panicking(), "errors were found and not reported");
    }
}
