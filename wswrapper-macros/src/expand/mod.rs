//! Tokens from a checked model. Nothing here can fail.

mod contract;
mod error;
mod fallback;
mod gives;
mod handlers;
mod proxy;
mod service;
mod shim;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Ident, Path};

pub(crate) use self::error::error;
pub(crate) use self::fallback::error as error_fallback;
pub(crate) use self::handlers::{plain_impl, trait_impl};
pub(crate) use self::service::service;

/// The path of what expansions call: `::wswrapper::__private`.
#[derive(Clone, Copy)]
struct Private<'a>(&'a Path);

impl ToTokens for Private<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self(krate) = self;
        tokens.extend(quote!(#krate::__private));
    }
}

/// A name for a local variable that no name of the user's can meet.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// Like `tokens`, as if they stood at `span`: rustc shows an error at the user's own code
/// only when every token of the expression that it blames has a span of the user's.
fn written_at(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}
