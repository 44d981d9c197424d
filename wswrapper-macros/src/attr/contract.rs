use proc_macro2::TokenStream;
use syn::{LitStr, Path, parse_quote};

use super::meta_items::MetaItems;
use super::rename_rule::RenameRule;
use crate::errors::Errors;
use crate::text;

/// The arguments of `#[ws_service(..)]` and of `#[ws_handlers(..)]`.
pub(crate) struct ContractAttr {
    pub(crate) channel: Option<LitStr>,
    pub(crate) rename_all: RenameRule,
    /// Where the runtime crate is.
    pub(crate) krate: Path,
    /// Kept for those who may not rename.
    rename_all_key: Option<syn::Ident>,
}

impl ContractAttr {
    pub(crate) fn read(args: TokenStream, errors: &mut Errors) -> Self {
        let items = MetaItems::read([args], &["channel", "rename_all", "crate"], errors);
        Self {
            channel: items.string("channel", text::EMPTY_CHANNEL, errors),
            rename_all: rename_all(&items, errors),
            krate: krate(&items, errors),
            rename_all_key: items.key("rename_all").cloned(),
        }
    }

    /// The names of a contract are its trait's affair, not its implementor's.
    pub(crate) fn forbid_rename_all(&self, errors: &mut Errors) {
        if let Some(key) = &self.rename_all_key {
            errors.push(key, text::RENAME_ALL_ON_TRAIT_IMPL);
        }
    }
}

pub(super) fn krate(items: &MetaItems, errors: &mut Errors) -> Path {
    items.path("crate", errors).unwrap_or_else(|| parse_quote!(::wswrapper))
}

pub(super) fn rename_all(items: &MetaItems, errors: &mut Errors) -> RenameRule {
    let Some(literal) = items.literal("rename_all", errors) else {
        return RenameRule::None;
    };
    let name = literal.value();
    RenameRule::named(&name).unwrap_or_else(|| {
        errors.push(&literal, text::unknown_rename_rule(&name, &RenameRule::names()));
        RenameRule::None
    })
}
