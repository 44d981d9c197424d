use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens as _, TokenStreamExt as _};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{ExprPath, Ident, LitStr, Path, Token, parse_quote, token};

use super::renamed::renamed;
use crate::errors::Errors;
use crate::text;

/// The keys that may be given several times.
const REPEATABLE: [&str; 1] = ["guard"];

/// The items of an attribute: `key` or `key = value`, separated by commas.
pub(crate) struct MetaItems {
    items: Vec<MetaItem>,
}

struct MetaItem {
    key: Ident,
    value: Option<TokenStream>,
}

impl MetaItems {
    /// Parses the lists, keeps the first item of each expected key, or all of a repeatable one, and reports all others.
    pub(crate) fn read(lists: impl IntoIterator<Item = TokenStream>, expected: &[&str], errors: &mut Errors) -> Self {
        let mut items: Vec<MetaItem> = Vec::new();
        for list in lists {
            let parsed = (|input: ParseStream<'_>| MetaItem::parse_list(input, expected)).parse2(list);
            for item in errors.ok(parsed).into_iter().flatten() {
                if !expected.iter().any(|key| item.key == key) {
                    errors.push(&item.key, text::unknown_argument(&item.key, expected));
                } else if !item.is_repeatable() && items.iter().any(|earlier| earlier.key == item.key) {
                    errors.push(&item.key, text::argument_twice(&item.key));
                } else {
                    items.push(item);
                }
            }
        }
        Self { items }
    }

    /// The key as it was written, whatever its value is.
    pub(crate) fn key(&self, name: &str) -> Option<&Ident> {
        self.find(name).map(|item| &item.key)
    }

    pub(crate) fn flag(&self, name: &str, errors: &mut Errors) -> Option<&Ident> {
        let item = self.find(name)?;
        if item.value.is_some() {
            errors.push(&item.key, text::argument_with_value(&item.key));
        }
        Some(&item.key)
    }

    pub(crate) fn string(&self, name: &str, if_empty: &str, errors: &mut Errors) -> Option<LitStr> {
        let literal = self.literal(name, errors)?;
        if literal.value().is_empty() {
            errors.push(&literal, if_empty);
            return None;
        }
        Some(literal)
    }

    pub(crate) fn literal(&self, name: &str, errors: &mut Errors) -> Option<LitStr> {
        let value = self.value(name, errors)?;
        let literal = syn::parse2(value.clone());
        if literal.is_err() {
            errors.push(value, text::argument_not_a_string(name));
        }
        literal.ok()
    }

    /// A path, written directly or as a string (serde accepts strings).
    fn path(&self, name: &str, errors: &mut Errors) -> Option<Path> {
        let value = self.value(name, errors)?.clone();
        let PathValue(path) = errors.ok(syn::parse2(value))?;
        Some(path)
    }

    /// The paths of all items with this key, each written directly or as a string.
    pub(crate) fn paths(&self, name: &str, if_other: &str, errors: &mut Errors) -> Vec<ExprPath> {
        let mut paths = Vec::new();
        for item in self.items.iter().filter(|item| item.key == name) {
            let Some(value) = item.value(errors) else { continue };
            match syn::parse2(value.clone()) {
                Ok(ExprPathValue(path)) => paths.push(path),
                Err(_) => errors.push(value, if_other),
            }
        }
        paths
    }

    /// The path of the runtime crate: the value of `crate`, or `::wswrapper`.
    pub(crate) fn krate(&self, errors: &mut Errors) -> Path {
        if let Some(path) = self.path("crate", errors) {
            return path;
        }
        let name = renamed().map_or_else(
            || "wswrapper".to_owned(),
            |name| {
                errors.push_at(Span::call_site(), text::renamed(&name));
                name
            },
        );
        let name = Ident::new(&name, Span::call_site());
        parse_quote!(::#name)
    }

    fn find(&self, name: &str) -> Option<&MetaItem> {
        self.items.iter().find(|item| item.key == name)
    }

    fn value(&self, name: &str, errors: &mut Errors) -> Option<&TokenStream> {
        self.find(name)?.value(errors)
    }
}

impl MetaItem {
    fn is_repeatable(&self) -> bool {
        REPEATABLE.iter().any(|key| self.key == key)
    }

    fn value(&self, errors: &mut Errors) -> Option<&TokenStream> {
        if self.value.is_none() {
            errors.push(&self.key, text::argument_without_value(&self.key));
        }
        self.value.as_ref()
    }

    fn parse_list(input: ParseStream<'_>, expected: &[&str]) -> syn::Result<Vec<Self>> {
        let mut items = Vec::new();
        while !input.is_empty() {
            items.push(Self::parse(input, expected)?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(items)
    }

    fn parse(input: ParseStream<'_>, expected: &[&str]) -> syn::Result<Self> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(text::argument_without_name(expected)));
        }
        let key = input.call(Ident::parse_any)?;
        if input.peek(token::Paren) {
            return Err(input.error(text::argument_without_equals(&key)));
        }
        if !input.peek(Token![=]) {
            return Ok(Self { key, value: None });
        }
        let equals: Token![=] = input.parse()?;
        let value = value(input)?;
        if value.is_empty() {
            return Err(syn::Error::new(equals.span, text::argument_without_value(&key)));
        }
        Ok(Self { key, value: Some(value) })
    }
}

/// The tokens up to a comma, which is not one between the generic arguments of a path.
fn value(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut value = TokenStream::new();
    let mut open_angles = 0_usize;
    while !input.is_empty() && (open_angles > 0 || !input.peek(Token![,])) {
        if input.peek(Token![->]) {
            input.parse::<Token![->]>()?.to_tokens(&mut value);
            continue;
        }
        let token = input.parse()?;
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '<' => open_angles += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' => open_angles = open_angles.saturating_sub(1),
            _ => {}
        }
        value.append(token);
    }
    Ok(value)
}

struct PathValue(Path);

impl Parse for PathValue {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            return literal.parse_with(Path::parse_mod_style).map(Self);
        }
        input.call(Path::parse_mod_style).map(Self)
    }
}

struct ExprPathValue(ExprPath);

impl Parse for ExprPathValue {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            return input.parse::<LitStr>()?.parse().map(Self);
        }
        input.parse().map(Self)
    }
}
