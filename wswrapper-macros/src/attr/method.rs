use syn::{Attribute, Ident, LitStr};

use super::on_full::OnFull;
use super::pairs::Pairs;
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
        let pairs = Pairs::read(lists(attrs, errors), &["name", "event", "blocking", "spawn", "on_full"], errors);
        Self {
            name: pairs.string("name", text::EMPTY_EVENT, errors),
            event: pairs.flag("event", errors).cloned(),
            blocking: pairs.flag("blocking", errors).cloned(),
            spawn: pairs.flag("spawn", errors).cloned(),
            on_full: OnFull::read(&pairs, errors),
        }
    }
}
