//! References, which nothing that comes out of a message can be.

use quote::ToTokens;
use syn::{GenericArgument, Lifetime, PathArguments, Type};

use crate::errors::Errors;
use crate::types::{self, through_groups};

/// Of any lifetime and at any depth: `&T`, and `'_` for one that a type hides.
pub(super) fn check(ty: &Type, message: &str, errors: &mut Errors) {
    within(ty, &mut |node, _| errors.push(&node, message));
}

/// Like `check`, but for what can be the error of a `Result`.
pub(super) fn check_answer(ty: &Type, message: &str, errors: &mut Errors) {
    match types::result_halves(ty) {
        Some((ok, error)) => {
            check(ok, message, errors);
            check_error(error, message, errors);
        }
        None => check(ty, message, errors),
    }
}

/// An error is made here and is another one at its caller's, so it may be `&'static str`.
pub(super) fn check_error(ty: &Type, message: &str, errors: &mut Errors) {
    within(ty, &mut |node, lifetime| {
        if lifetime.is_none_or(|lifetime| lifetime.ident != "static") {
            errors.push(&node, message);
        }
    });
}

/// One that is within another shows with that.
fn within(ty: &Type, found: &mut impl FnMut(&dyn ToTokens, Option<&Lifetime>)) {
    match through_groups(ty) {
        Type::Reference(reference) => found(reference, reference.lifetime.as_ref()),
        Type::Paren(paren) => within(&paren.elem, found),
        Type::Array(array) => within(&array.elem, found),
        Type::Slice(slice) => within(&slice.elem, found),
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|elem| within(elem, found)),
        Type::Path(path) => {
            for segment in &path.path.segments {
                let PathArguments::AngleBracketed(arguments) = &segment.arguments else { continue };
                for argument in &arguments.args {
                    match argument {
                        GenericArgument::Type(ty) => within(ty, found),
                        GenericArgument::Lifetime(lifetime) if lifetime.ident == "_" => found(lifetime, Some(lifetime)),
                        _ => {}
                    }
                }
            }
        }
        _ => {}
    }
}
