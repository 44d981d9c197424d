use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
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

/// An item that could not be parsed, without the attributes that only we know.
pub(crate) fn without_ws(tokens: TokenStream) -> TokenStream {
    let mut kept = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is_pound(&token) && tokens.next_if(is_ws).is_some() {
            continue;
        }
        kept.extend([match token {
            TokenTree::Group(group) => TokenTree::Group(group_without_ws(&group)),
            other => other,
        }]);
    }
    kept
}

fn group_without_ws(group: &Group) -> Group {
    let mut stripped = Group::new(group.delimiter(), without_ws(group.stream()));
    stripped.set_span(group.span());
    stripped
}

fn is_pound(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '#')
}

/// `[ws ..]`
fn is_ws(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else {
        return false;
    };
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket && matches!(first, Some(TokenTree::Ident(name)) if name == "ws")
}
