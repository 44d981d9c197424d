//! References in types that are decoded from a message, which owns no borrowed data.

use quote::ToTokens;
use syn::{GenericArgument, Lifetime, PathArguments, Type};

use crate::errors::Errors;
use crate::types::{self, ungroup};

/// Reports every `&T` and every `'_` in the type, at any depth.
pub(super) fn check(ty: &Type, message: &str, errors: &mut Errors) {
    visit_references(ty, &mut |node, _| errors.push(&node, message));
}

/// Like `check`, but with the rule of `check_error` for the second type argument, which may be the error of a `Result`.
pub(super) fn check_response(ty: &Type, message: &str, errors: &mut Errors) {
    match types::result_arguments(ty) {
        Some((ok, error)) => {
            check(ok, message, errors);
            check_error(error, message, errors);
        }
        None => check(ty, message, errors),
    }
}

/// Like `check`, but allows `'static`, because the caller decodes an error as another type.
pub(super) fn check_error(ty: &Type, message: &str, errors: &mut Errors) {
    visit_references(ty, &mut |node, lifetime| {
        if lifetime.is_none_or(|lifetime| lifetime.ident != "static") {
            errors.push(&node, message);
        }
    });
}

/// Calls `visit` for each outermost reference and each `'_` in the type.
fn visit_references(ty: &Type, visit: &mut impl FnMut(&dyn ToTokens, Option<&Lifetime>)) {
    match ungroup(ty) {
        Type::Reference(reference) => visit(reference, reference.lifetime.as_ref()),
        Type::Paren(paren) => visit_references(&paren.elem, visit),
        Type::Array(array) => visit_references(&array.elem, visit),
        Type::Slice(slice) => visit_references(&slice.elem, visit),
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|elem| visit_references(elem, visit)),
        Type::Path(path) => {
            for segment in &path.path.segments {
                let PathArguments::AngleBracketed(arguments) = &segment.arguments else { continue };
                for argument in &arguments.args {
                    match argument {
                        GenericArgument::Type(ty) => visit_references(ty, visit),
                        GenericArgument::Lifetime(lifetime) if lifetime.ident == "_" => visit(lifetime, Some(lifetime)),
                        _ => {}
                    }
                }
            }
        }
        _ => {}
    }
}
