use syn::{Attribute, Ident, LitStr};

use super::meta_items::MetaItems;
use super::on_full::OnFull;
use super::ws::lists;
use crate::errors::Errors;
use crate::text;

/// `#[ws(..)]` on a method.
pub(crate) struct MethodAttr {
    pub(crate) name: Option<LitStr>,
    pub(crate) event: Option<Ident>,
    pub(crate) blocking: Option<Ident>,
    pub(crate) spawn: Option<Ident>,
    pub(crate) on_full: Option<OnFull>,
}

impl MethodAttr {
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let items = MetaItems::read(lists(attrs, errors), &["name", "event", "blocking", "spawn", "on_full"], errors);
        Self {
            name: items.string("name", text::EMPTY_EVENT, errors),
            event: items.flag("event", errors).cloned(),
            blocking: items.flag("blocking", errors).cloned(),
            spawn: items.flag("spawn", errors).cloned(),
            on_full: OnFull::read(&items, errors),
        }
    }
}
