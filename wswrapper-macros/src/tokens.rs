use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// Returns true if the node contains the identifier `word` at any depth.
pub(crate) fn contains_word(node: &impl ToTokens, word: &str) -> bool {
    node.to_token_stream().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => contains_word(&group.stream(), word),
        _ => false,
    })
}

/// Returns true if the node contains the tokens `run`, one after the other, at any depth.
pub(crate) fn contains_run(node: &impl ToTokens, run: &[&str]) -> bool {
    let tokens: Vec<TokenTree> = node.to_token_stream().into_iter().collect();
    let is_run = |part: &[TokenTree]| part.iter().zip(run).all(|(token, text)| token.to_string() == *text);
    tokens.windows(run.len()).any(is_run)
        || tokens.iter().any(|token| matches!(token, TokenTree::Group(group) if contains_run(&group.stream(), run)))
}

/// Returns true if the node contains `impl Name` or `dyn Name` at any depth, with any path before `Name`.
pub(crate) fn contains_bound(node: &impl ToTokens, keyword: &str, name: &str) -> bool {
    let mut is_bound = false;
    let mut last_is_name = false;
    for token in node.to_token_stream() {
        match token {
            TokenTree::Ident(ident) if ident == keyword => (is_bound, last_is_name) = (true, false),
            TokenTree::Ident(ident) => last_is_name = ident == name,
            TokenTree::Punct(punct) if matches!(punct.as_char(), ':' | '\'') => {}
            _ if is_bound && last_is_name => return true,
            TokenTree::Punct(punct) => is_bound &= punct.as_char() == '+',
            TokenTree::Group(group) if contains_bound(&group.stream(), keyword, name) => return true,
            TokenTree::Group(_) | TokenTree::Literal(_) => is_bound = false,
        }
    }
    is_bound && last_is_name
}

/// Counts the identifiers `word` in the node, at any depth.
pub(crate) fn count_word(node: &impl ToTokens, word: &str) -> usize {
    let counts = node.to_token_stream().into_iter().map(|token| match token {
        TokenTree::Ident(ident) => usize::from(ident == word),
        TokenTree::Group(group) => count_word(&group.stream(), word),
        _ => 0,
    });
    counts.sum()
}

/// The span of the first token. On stable, `quote_spanned!` cannot underline more.
pub(crate) fn first_span(node: &impl ToTokens) -> Span {
    let first = node.to_token_stream().into_iter().next();
    first.map_or_else(Span::call_site, |token| token.span())
}

/// Removes all `#[ws(..)]` attributes from an item that could not be parsed.
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

/// Keeps a group with nothing to remove, because a new one has no separate spans for its delimiters.
fn group_without_ws(group: &Group) -> Group {
    if !contains_ws(&group.stream()) {
        return group.clone();
    }
    let mut stripped = Group::new(group.delimiter(), without_ws(group.stream()));
    stripped.set_span(group.span());
    stripped
}

fn contains_ws(tokens: &TokenStream) -> bool {
    tokens
        .clone()
        .into_iter()
        .any(|token| is_ws(&token) || matches!(token, TokenTree::Group(group) if contains_ws(&group.stream())))
}

fn is_pound(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '#')
}

/// Returns true for the group `[ws ..]` of an attribute.
fn is_ws(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else {
        return false;
    };
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket && matches!(first, Some(TokenTree::Ident(name)) if name == "ws")
}
