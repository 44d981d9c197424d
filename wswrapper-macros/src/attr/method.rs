use syn::{Attribute, ExprPath, Ident, LitStr};

use super::guards::guards;
use super::meta_items::MetaItems;
use super::on_full::{EventOnFull, OnFull};
use super::ws::lists;
use crate::errors::Errors;
use crate::text;

/// `#[ws(..)]` on a method.
pub(crate) struct MethodAttr {
    pub(crate) name: Option<LitStr>,
    pub(crate) event: Option<Ident>,
    pub(crate) blocking: Option<Ident>,
    pub(crate) spawn: Option<Ident>,
    /// Of a request.
    pub(crate) on_full: Option<OnFull>,
    /// Of an event.
    pub(crate) event_on_full: Option<EventOnFull>,
    pub(crate) idempotent: Option<Ident>,
    pub(crate) guards: Vec<ExprPath>,
}

impl MethodAttr {
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let names = ["name", "event", "blocking", "spawn", "on_full", "key", "idempotent", "guard", "handler", "skip"];
        let items = MetaItems::read(lists(attrs, errors), &names, errors);
        // Marks a function of a plain `impl` of which nothing else is to be said. A method of a trait always is one.
        items.flag("handler", errors);
        if let Some(skip) = items.flag("skip", errors) {
            errors.push(skip, text::SKIPPED_HANDLER);
        }
        let event = items.flag("event", errors).cloned();
        let (on_full, event_on_full) = match event {
            Some(_) => (None, EventOnFull::read(&items, errors)),
            None => (OnFull::read(&items, errors), None),
        };
        Self {
            name: items.string("name", text::EMPTY_EVENT, errors),
            event,
            blocking: items.flag("blocking", errors).cloned(),
            spawn: items.flag("spawn", errors).cloned(),
            on_full,
            event_on_full,
            idempotent: items.flag("idempotent", errors).cloned(),
            guards: guards(&items, errors),
        }
    }
}

/// Returns true if a function has the attribute `#[ws(skip)]`, which makes it no handler.
pub(crate) fn is_skipped(attrs: &[Attribute]) -> bool {
    let [attr] = attrs else { return false };
    attr.parse_args::<Ident>().is_ok_and(|name| name == "skip")
}
