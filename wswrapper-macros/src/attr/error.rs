use syn::{Attribute, Ident, LitStr, Path};

use super::meta_items::MetaItems;
use super::rename_rule::RenameRule;
use super::ws::lists;
use crate::errors::Errors;
use crate::text;

/// `#[ws(..)]` on an enum that derives `WsError`.
pub(crate) struct EnumAttr {
    pub(crate) rename_all: RenameRule,
    pub(crate) krate: Path,
}

/// `#[ws(..)]` on a struct that derives `WsError`.
pub(crate) struct StructAttr {
    pub(crate) variant: VariantAttr,
    pub(crate) krate: Path,
}

/// The part of `#[ws(..)]` that a variant and a struct share.
pub(crate) struct VariantAttr {
    pub(crate) code: Option<LitStr>,
    pub(crate) internal: Option<Ident>,
}

impl EnumAttr {
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let items = MetaItems::read(lists(attrs, errors), &["rename_all", "crate"], errors);
        Self { rename_all: RenameRule::read(&items, errors), krate: items.krate(errors) }
    }
}

impl StructAttr {
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let items = MetaItems::read(lists(attrs, errors), &["code", "internal", "crate"], errors);
        Self { variant: VariantAttr::from_items(&items, errors), krate: items.krate(errors) }
    }
}

impl VariantAttr {
    pub(crate) fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let items = MetaItems::read(lists(attrs, errors), &["code", "internal"], errors);
        Self::from_items(&items, errors)
    }

    fn from_items(items: &MetaItems, errors: &mut Errors) -> Self {
        Self { code: items.string("code", text::EMPTY_CODE, errors), internal: items.flag("internal", errors).cloned() }
    }
}
