use syn::{Attribute, Ident, LitStr, Path};

use super::args;
use super::pairs::Pairs;
use super::rename_rule::RenameRule;
use super::ws::lists;
use crate::errors::Errors;
use crate::text;

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
