use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;

use super::hygiene::{Private, respanned};
use crate::tokens;
use crate::types::{is_std, last_segment, named_result_arguments, type_arguments};

/// The `Ok` and `Err` types of a return type or of an item.
///
/// They are written out if the spelling shows them, because an editor cannot evaluate the constant that finds them
/// otherwise.
pub(super) struct ReturnedTypes<'a> {
    pub(super) ok: TokenStream,
    pub(super) err: TokenStream,
    /// The place of `ok` and `err`, if rustc may fail to resolve them.
    pub(super) span: Option<Span>,
    /// True if every type can decode `ok`, so that it needs no bound.
    pub(super) is_std: bool,
    /// The type whose spelling was believed.
    believed: Option<&'a Type>,
}

impl<'a> ReturnedTypes<'a> {
    pub(super) fn of(ty: Option<&'a Type>, private: Private<'_>) -> Self {
        let no_error = quote!(#private::NoError);
        let Some(ty) = ty else {
            return Self { ok: quote!(()), err: no_error, span: None, is_std: true, believed: None };
        };
        if let Some((ok, err)) = named_result_arguments(ty) {
            let (is_std, ok, err) = (is_std(ok), ok.to_token_stream(), err.to_token_stream());
            return Self { ok, err, span: None, is_std, believed: Some(ty) };
        }
        if is_outermost_std(ty) {
            return Self { ok: quote!(#ty), err: no_error, span: None, is_std: is_std(ty), believed: Some(ty) };
        }
        if !is_result_with_one_argument(ty) {
            let result = by_constant(ty, private);
            return Self {
                ok: quote!(#result::Ok),
                err: quote!(#result::Err),
                span: None,
                is_std: false,
                believed: None,
            };
        }
        let span = tokens::first_span(ty);
        let result_type = respanned(quote!(#private::ResultType), span);
        let result = quote_spanned!(span=> <#ty as #result_type>);
        let (ok, err) = (quote_spanned!(span=> #result::Ok), quote_spanned!(span=> #result::Err));
        Self { ok, err, span: Some(span), is_std: false, believed: None }
    }

    /// A constant that fails to compile if a name of std is used for another type.
    pub(super) fn check(&self, private: Private<'_>) -> Option<TokenStream> {
        let ty = self.believed?;
        let Self { ok, err, .. } = self;
        let actual = by_constant(ty, private);
        Some(quote_spanned! {tokens::first_span(ty)=>
            #[allow(clippy::type_complexity)]
            const _: fn((#actual::Ok, #actual::Err)) -> (#ok, #err) = |returned| returned;
        })
    }
}

/// The type whose associated types `Ok` and `Err` are those of `ty`, also if it is an alias.
pub(super) fn by_constant(ty: &Type, private: Private<'_>) -> TokenStream {
    quote_spanned! {tokens::first_span(ty)=>
        <#ty as #private::IntoResult<{ #private::returns_result!(#ty) }>>
    }
}

/// Returns true for `io::Result<T>` and its like.
fn is_result_with_one_argument(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == "Result" && type_arguments(segment).len() == 1)
}

/// Returns true if the type itself is one of std, whatever its arguments are.
fn is_outermost_std(ty: &Type) -> bool {
    let is_generic = |segment: &syn::PathSegment| segment.ident == "Vec" || segment.ident == "Option";
    is_std(ty) || matches!(crate::types::ungroup(ty), Type::Tuple(_)) || last_segment(ty).is_some_and(is_generic)
}
