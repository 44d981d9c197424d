use proc_macro2::TokenStream;
use syn::{ExprPath, Ident, Path};

use super::channel::Channel;
use super::guards::guards;
use super::meta_items::MetaItems;
use super::rename_rule::RenameRule;
use crate::errors::Errors;
use crate::text;

/// The arguments of `#[ws_service(..)]` and of `#[ws_handlers(..)]`.
pub(crate) struct ContractAttr {
    pub(crate) channel: Option<Channel>,
    pub(crate) rename_all: RenameRule,
    /// The path of the runtime crate.
    pub(crate) krate: Path,
    /// True for a contract that nobody serves in Rust.
    pub(crate) client: bool,
    /// The guards of all methods.
    pub(crate) guards: Vec<ExprPath>,
    /// The keys of `rename_all` and `guard`, for the errors on an `impl` of a trait.
    rename_all_key: Option<Ident>,
    guard_key: Option<Ident>,
}

impl ContractAttr {
    /// The arguments of `#[ws_service(..)]`.
    pub(crate) fn of_service(args: TokenStream, errors: &mut Errors) -> Self {
        let items = MetaItems::read([args], &["channel", "rename_all", "guard", "client", "crate"], errors);
        Self { client: items.flag("client", errors).is_some(), ..Self::read(&items, errors) }
    }

    /// The arguments of `#[ws_handlers(..)]`.
    pub(crate) fn of_handlers(args: TokenStream, errors: &mut Errors) -> Self {
        let items = MetaItems::read([args], &["channel", "rename_all", "guard", "crate"], errors);
        Self::read(&items, errors)
    }

    fn read(items: &MetaItems, errors: &mut Errors) -> Self {
        Self {
            channel: Channel::read(items, errors),
            rename_all: RenameRule::read(items, errors),
            krate: items.krate(errors),
            client: false,
            guards: guards(items, errors),
            rename_all_key: items.key("rename_all").cloned(),
            guard_key: items.key("guard").cloned(),
        }
    }

    /// Reports arguments that are allowed on the trait but not on its `impl`.
    pub(crate) fn check_for_trait_impl(&self, errors: &mut Errors) {
        if let Some(key) = &self.rename_all_key {
            errors.push(key, text::RENAME_ALL_ON_TRAIT_IMPL);
        }
        if let Some(key) = &self.guard_key {
            errors.push(key, text::GUARD_ON_TRAIT_IMPL);
        }
    }
}
