use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Ident, Path};

use crate::model::Contract;
use crate::tokens;

/// The path of what expansions call: `::wswrapper::__private`.
#[derive(Clone, Copy)]
pub(super) struct Private<'a>(pub(super) &'a Path);

impl ToTokens for Private<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self(krate) = self;
        tokens.extend(quote!(#krate::__private));
    }
}

/// A name for a local variable that no name of the user's can meet.
pub(super) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The proxy's type parameter, which must not hide a type of that name.
pub(super) fn target(contract: &Contract<'_>) -> Ident {
    let is_taken = tokens::contains_word(contract.generics, "T")
        || contract.methods.iter().any(|method| {
            let types = method.arguments.iter().map(|argument| argument.ty);
            types.chain(method.output.ty).any(|ty| tokens::contains_word(ty, "T"))
        });
    let name = if is_taken { "__T" } else { "T" };
    Ident::new(name, Span::call_site())
}

/// Like `tokens`, as if they stood at `span`: rustc shows an error at the user's own code
/// only when every token of the expression that it blames has a span of the user's.
pub(super) fn respanned(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}
