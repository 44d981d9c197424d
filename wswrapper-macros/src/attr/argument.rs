use syn::{Attribute, Ident};

use super::pairs::Pairs;
use super::ws::lists;
use crate::errors::Errors;

/// `#[ws(..)]` on an argument.
pub(crate) struct ArgumentAttr {
    pub(crate) context: Option<Ident>,
}

impl ArgumentAttr {
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let pairs = Pairs::read(lists(attrs, errors), &["context"], errors);
        Self { context: pairs.flag("context", errors).cloned() }
    }
}
