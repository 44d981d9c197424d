//! Mistakes that are put right once they are reported, since rustc would only advise against the remedy.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{GenericArgument, PathArguments, ReturnType, Type, TypeParamBound};

use crate::errors::Errors;
use crate::model::{last_segment, through_groups};
use crate::output;
use crate::parse::Member;
use crate::{text, tokens};

/// A stream without its `impl`, or with `dyn` instead.
pub(crate) fn streams(members: &mut [Member], errors: &mut Errors) {
    for member in members {
        if let Member::Function(function) = member
            && let ReturnType::Type(_, ty) = &mut function.sig.output
            && let Some((ty, bounds)) = bare_stream(ty)
        {
            errors.push(ty, text::NO_IMPL_STREAM);
            let send = (!tokens::contain(&bounds, "Send")).then(|| quote!(+ ::core::marker::Send));
            *ty = syn::parse_quote_spanned!(tokens::first_span(ty)=> impl #bounds #send);
        }
    }
}

/// Where it stands, as the answer or the `Ok` of it.
fn bare_stream(ty: &mut Type) -> Option<(&mut Type, TokenStream)> {
    match bounds(ty) {
        Some(bounds) => Some((ty, bounds)),
        None => {
            let first = ok_of(ty)?;
            let bounds = bounds(first)?;
            Some((first, bounds))
        }
    }
}

/// `Stream<..>`, as far as nothing but the trait can be meant.
fn bounds(ty: &Type) -> Option<TokenStream> {
    match through_groups(ty) {
        Type::Path(path) => {
            let segment = last_segment(ty).filter(|segment| segment.ident == "Stream")?;
            output::item(segment).map(|_| path.to_token_stream())
        }
        Type::TraitObject(object) => {
            let is_stream = object.bounds.iter().any(|bound| match bound {
                TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|last| last.ident == "Stream"),
                _ => false,
            });
            is_stream.then(|| object.bounds.to_token_stream())
        }
        _ => None,
    }
}

fn ok_of(ty: &mut Type) -> Option<&mut Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last_mut().filter(|segment| output::may_be_result(segment))?;
    let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { return None };
    match arguments.args.first_mut() {
        Some(GenericArgument::Type(first)) => Some(first),
        _ => None,
    }
}
