use proc_macro2::TokenStream;
use syn::{Attribute, Ident, LitStr, Path};

use crate::errors::Errors;
use crate::on_full::OnFull;
use crate::pairs::Pairs;
use crate::wire_name::RenameRule;
use crate::{args, text};

/// `#[ws(..)]` on a method.
pub(crate) struct MethodAttr {
    pub(crate) name: Option<LitStr>,
    pub(crate) event: Option<Ident>,
    pub(crate) blocking: Option<Ident>,
    pub(crate) spawn: Option<Ident>,
    pub(crate) on_full: Option<OnFull>,
}

/// `#[ws(..)]` on an argument.
pub(crate) struct ArgumentAttr {
    pub(crate) context: Option<Ident>,
}

/// `#[ws(..)]` on an enum that is an error.
pub(crate) struct EnumAttr {
    pub(crate) rename_all: RenameRule,
    pub(crate) krate: Path,
}

/// `#[ws(..)]` on a struct that is an error.
pub(crate) struct StructAttr {
    pub(crate) variant: VariantAttr,
    pub(crate) krate: Path,
}

/// `#[ws(..)]` on a variant.
pub(crate) struct VariantAttr {
    pub(crate) code: Option<LitStr>,
    pub(crate) internal: Option<Ident>,
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

impl ArgumentAttr {
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let pairs = Pairs::read(lists(attrs, errors), &["context"], errors);
        Self { context: pairs.flag("context", errors).cloned() }
    }
}

impl EnumAttr {
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let pairs = Pairs::read(lists(attrs, errors), &["rename_all", "crate"], errors);
        Self { rename_all: args::rename_all(&pairs, errors), krate: args::krate(&pairs, errors) }
    }
}

impl StructAttr {
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let pairs = Pairs::read(lists(attrs, errors), &["code", "internal", "crate"], errors);
        Self { variant: VariantAttr::from_pairs(&pairs, errors), krate: args::krate(&pairs, errors) }
    }
}

impl VariantAttr {
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let pairs = Pairs::read(lists(attrs, errors), &["code", "internal"], errors);
        Self::from_pairs(&pairs, errors)
    }

    fn from_pairs(pairs: &Pairs, errors: &mut Errors) -> Self {
        Self { code: pairs.string("code", text::EMPTY_CODE, errors), internal: pairs.flag("internal", errors).cloned() }
    }
}

pub(crate) fn is_ws(attr: &Attribute) -> bool {
    attr.path().is_ident("ws")
}

/// Removes the attributes that are ours: rustc knows none of that name.
pub(crate) fn take_ws(attrs: &mut Vec<Attribute>) -> Vec<Attribute> {
    attrs.extract_if(.., |attr| is_ws(attr)).collect()
}

/// The arguments of those attributes that are ours.
fn lists(attrs: &[Attribute], errors: &mut Errors) -> Vec<TokenStream> {
    attrs
        .iter()
        .filter(|attr| is_ws(attr))
        .filter_map(|attr| errors.ok(attr.meta.require_list()))
        .map(|list| list.tokens.clone())
        .collect()
}
