use proc_macro2::TokenStream;
use syn::{LitStr, Path, parse_quote};

use super::pairs::Pairs;
use super::rename_rule::RenameRule;
use crate::errors::Errors;
use crate::text;

/// The arguments of `#[ws_service(..)]` and of `#[ws_handlers(..)]`.
pub(crate) struct Args {
    pub(crate) channel: Option<LitStr>,
    pub(crate) rename_all: RenameRule,
    /// Where the runtime crate is.
    pub(crate) krate: Path,
    /// Kept for those who may not rename.
    rename_all_key: Option<syn::Ident>,
}

impl Args {
    pub(crate) fn read(args: TokenStream, errors: &mut Errors) -> Self {
        let pairs = Pairs::read([args], &["channel", "rename_all", "crate"], errors);
        Self {
            channel: pairs.string("channel", text::EMPTY_CHANNEL, errors),
            rename_all: rename_all(&pairs, errors),
            krate: krate(&pairs, errors),
            rename_all_key: pairs.key("rename_all").cloned(),
        }
    }

    /// The names of a contract are its trait's affair, not its implementor's.
    pub(crate) fn forbid_rename_all(&self, errors: &mut Errors) {
        if let Some(key) = &self.rename_all_key {
            errors.push(key, text::RENAME_ALL_ON_TRAIT_IMPL);
        }
    }
}

pub(super) fn krate(pairs: &Pairs, errors: &mut Errors) -> Path {
    pairs.path("crate", errors).unwrap_or_else(|| parse_quote!(::wswrapper))
}

pub(super) fn rename_all(pairs: &Pairs, errors: &mut Errors) -> RenameRule {
    let Some(literal) = pairs.literal("rename_all", errors) else {
        return RenameRule::None;
    };
    let name = literal.value();
    RenameRule::named(&name).unwrap_or_else(|| {
        errors.push(&literal, text::unknown_rename_rule(&name, &RenameRule::names()));
        RenameRule::None
    })
}
