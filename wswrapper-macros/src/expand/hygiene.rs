use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Ident, Path};

use crate::model::Contract;
use crate::tokens;

/// The path of the items that expansions use: `::wswrapper::__private`.
#[derive(Clone, Copy)]
pub(super) struct Private<'a>(pub(super) &'a Path);

impl ToTokens for Private<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self(krate) = self;
        tokens.extend(quote!(#krate::__private));
    }
}

/// The name of a local variable that cannot conflict with a name of the user.
pub(super) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The name of the proxy's type parameter: `T`, or `__T` if a signature already uses `T`.
pub(super) fn target(contract: &Contract<'_>) -> Ident {
    let is_taken = tokens::contains_word(contract.generics, "T")
        || contract.methods.iter().any(|method| {
            let types = method.arguments.iter().map(|argument| argument.ty);
            types.chain(method.output.ty).any(|ty| tokens::contains_word(ty, "T"))
        });
    let name = if is_taken { "__T" } else { "T" };
    Ident::new(name, Span::call_site())
}

/// Gives all `tokens` the span `span`. rustc shows an error in the user's code only if every token of the wrong
/// expression has a span from there.
pub(super) fn respanned(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}
