use proc_macro2::TokenStream;
use syn::{LitStr, Path};

use super::meta_items::MetaItems;
use super::rename_rule::RenameRule;
use crate::errors::Errors;
use crate::text;

/// The arguments of `#[ws_service(..)]` and of `#[ws_handlers(..)]`.
pub(crate) struct ContractAttr {
    pub(crate) channel: Option<LitStr>,
    pub(crate) rename_all: RenameRule,
    /// The path of the runtime crate.
    pub(crate) krate: Path,
    /// True for a contract that nobody serves in Rust.
    pub(crate) client: bool,
    /// The key of `rename_all`, for the error on an `impl` of a trait.
    rename_all_key: Option<syn::Ident>,
}

impl ContractAttr {
    /// The arguments of `#[ws_service(..)]`.
    pub(crate) fn of_service(args: TokenStream, errors: &mut Errors) -> Self {
        let items = MetaItems::read([args], &["channel", "rename_all", "client", "crate"], errors);
        Self { client: items.flag("client", errors).is_some(), ..Self::read(&items, errors) }
    }

    /// The arguments of `#[ws_handlers(..)]`.
    pub(crate) fn of_handlers(args: TokenStream, errors: &mut Errors) -> Self {
        let items = MetaItems::read([args], &["channel", "rename_all", "crate"], errors);
        Self::read(&items, errors)
    }

    fn read(items: &MetaItems, errors: &mut Errors) -> Self {
        Self {
            channel: items.string("channel", text::EMPTY_CHANNEL, errors),
            rename_all: RenameRule::read(items, errors),
            krate: items.krate(errors),
            client: false,
            rename_all_key: items.key("rename_all").cloned(),
        }
    }

    /// Reports `rename_all`, which is allowed on the trait but not on its `impl`.
    pub(crate) fn forbid_rename_all(&self, errors: &mut Errors) {
        if let Some(key) = &self.rename_all_key {
            errors.push(key, text::RENAME_ALL_ON_TRAIT_IMPL);
        }
    }
}
