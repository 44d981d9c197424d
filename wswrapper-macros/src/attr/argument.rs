use syn::{Attribute, Ident};

use super::meta_items::MetaItems;
use super::ws::lists;
use crate::errors::Errors;

/// `#[ws(..)]` on an argument.
pub(crate) struct ArgumentAttr {
    pub(crate) context: Option<Ident>,
}

impl ArgumentAttr {
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let items = MetaItems::read(lists(attrs, errors), &["context"], errors);
        Self { context: items.flag("context", errors).cloned() }
    }
}
