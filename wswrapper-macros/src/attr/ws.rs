use proc_macro2::TokenStream;
use syn::{Attribute, Meta};

use crate::errors::Errors;
use crate::text;

pub(crate) fn is_ws(attr: &Attribute) -> bool {
    attr.path().is_ident("ws")
}

/// Removes and returns the `#[ws(..)]` attributes, because rustc does not know them.
pub(crate) fn take_ws(attrs: &mut Vec<Attribute>) -> Vec<Attribute> {
    attrs.extract_if(.., |attr| is_ws(attr)).collect()
}

/// The contents of all `#[ws(..)]` attributes.
pub(super) fn lists(attrs: &[Attribute], errors: &mut Errors) -> Vec<TokenStream> {
    attrs
        .iter()
        .filter(|attr| is_ws(attr))
        .filter_map(|attr| match &attr.meta {
            Meta::List(list) => Some(list.tokens.clone()),
            Meta::Path(_) | Meta::NameValue(_) => {
                errors.push(attr, text::WS_WITHOUT_ARGUMENTS);
                None
            }
        })
        .collect()
}
