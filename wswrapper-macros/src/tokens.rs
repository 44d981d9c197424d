use proc_macro2::{Span, TokenTree};
use quote::ToTokens;

/// Whether a word stands anywhere in a node, however deep.
pub(crate) fn contain(node: &impl ToTokens, word: &str) -> bool {
    node.to_token_stream().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => contain(&group.stream(), word),
        _ => false,
    })
}

/// The span of the first token, which is all that a stable compiler underlines.
pub(crate) fn first_span(node: &impl ToTokens) -> Span {
    let first = node.to_token_stream().into_iter().next();
    first.map_or_else(Span::call_site, |token| token.span())
}
