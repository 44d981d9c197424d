use syn::{Pat, Type};

use super::{references, scoped, uploads};
use crate::errors::Errors;
use crate::model::{Argument, ArgumentKind};
use crate::{text, tokens, types};

pub(super) fn check(argument: &Argument<'_>, errors: &mut Errors) {
    if !is_plain_name(&argument.input.pat) {
        errors.push(&argument.input.pat, text::PATTERN_ARGUMENT);
    }
    match argument.kind {
        ArgumentKind::Context => errors.push(argument.ty, text::CONTEXT_NOT_FIRST),
        ArgumentKind::Str | ArgumentKind::Bytes => check_lifetime(argument.ty, errors),
        ArgumentKind::Owned | ArgumentKind::Text => check_owned(argument.ty, errors),
        ArgumentKind::Upload(upload) => uploads::check_items(upload, errors),
    }
}

fn check_owned(ty: &Type, errors: &mut Errors) {
    if let Some(message) = uploads::misplaced(ty) {
        errors.push(ty, message);
    } else if scoped::contains_scoped(ty) {
        errors.push(ty, text::SCOPED_ARGUMENT);
    } else if tokens::contains_word(ty, "impl") {
        errors.push(ty, text::GENERIC_HANDLER);
    } else if is_context_reference(ty) {
        errors.push(ty, text::CONTEXT_REFERENCE);
    } else {
        references::check(ty, text::REFERENCE_ARGUMENT, errors);
    }
}

fn is_context_reference(ty: &Type) -> bool {
    matches!(types::ungroup(ty), Type::Reference(reference) if types::is_named(&reference.elem, "Context"))
}

/// Reports `&'static str`: text from a message does not live that long.
fn check_lifetime(ty: &Type, errors: &mut Errors) {
    if let Type::Reference(reference) = types::ungroup(ty)
        && reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static")
    {
        errors.push(ty, text::REFERENCE_ARGUMENT);
    }
}

fn is_plain_name(pattern: &Pat) -> bool {
    matches!(pattern, Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none())
}
