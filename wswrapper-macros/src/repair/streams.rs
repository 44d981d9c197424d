use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{GenericArgument, PathArguments, PathSegment, ReturnType, Type, TypeParamBound};

use crate::errors::Errors;
use crate::parse::Member;
use crate::types::{self, last_segment, ungroup};
use crate::{text, tokens};

/// Corrects return types: `Stream<..>` and `dyn Stream<..>` become `impl Stream<..>`, and an item type without a name
/// becomes `Item = T`.
pub(super) fn correct_return_types(members: &mut [Member], errors: &mut Errors) {
    for member in members {
        if let Member::Function(function) = member
            && let ReturnType::Type(_, ty) = &mut function.sig.output
        {
            if let Some((ty, bounds)) = bare_stream(ty) {
                errors.push(ty, text::STREAM_WITHOUT_IMPL);
                let send = (!tokens::contains_word(&bounds, "Send")).then(|| quote!(+ ::core::marker::Send));
                *ty = syn::parse_quote_spanned!(tokens::first_span(ty)=> impl #bounds #send);
            } else if let Some(stream) = impl_stream(ty) {
                name_item(stream, errors);
            }
        }
    }
}

/// Replaces `T` or `Output = T` by `Item = T`.
fn name_item(stream: &mut PathSegment, errors: &mut Errors) {
    let PathArguments::AngleBracketed(arguments) = &mut stream.arguments else { return };
    let (1, Some(item)) = (arguments.args.len(), arguments.args.first()) else { return };
    let item = match item {
        GenericArgument::Type(ty) => ty,
        GenericArgument::AssocType(assigned) if assigned.ident != "Item" => &assigned.ty,
        _ => return,
    };
    let named = syn::parse_quote!(<Item = #item>);
    errors.push(stream, text::STREAM_WITHOUT_ITEM);
    stream.arguments = PathArguments::AngleBracketed(named);
}

/// The return type or its `Ok` type, if it is a stream without `impl`, and the bounds for the `impl`.
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

/// The bounds of `Stream<Item = ..>` or `dyn Stream<..>`: types that can only be meant as the trait.
fn bounds(ty: &Type) -> Option<TokenStream> {
    match ungroup(ty) {
        Type::Path(path) => {
            let segment = last_segment(ty).filter(|segment| segment.ident == "Stream")?;
            types::stream_item(segment).map(|_| path.to_token_stream())
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

/// The segment `Stream<..>`, if the return type or its `Ok` type is `impl Stream<..>`.
fn impl_stream(ty: &mut Type) -> Option<&mut PathSegment> {
    let place = if let Type::ImplTrait(_) = ty { ty } else { ok_of(ty)? };
    let Type::ImplTrait(written) = place else { return None };
    written.bounds.iter_mut().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last_mut().filter(|segment| segment.ident == "Stream"),
        _ => None,
    })
}

fn ok_of(ty: &mut Type) -> Option<&mut Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last_mut().filter(|segment| types::may_be_result(segment))?;
    let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { return None };
    match arguments.args.first_mut() {
        Some(GenericArgument::Type(first)) => Some(first),
        _ => None,
    }
}
