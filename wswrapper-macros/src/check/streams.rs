//! Rules for methods that return streams.

use syn::Type;

use super::references;
use crate::errors::Errors;
use crate::model::{self, Contract, Method, StreamOutput};
use crate::{text, tokens, types};

/// Reports a stream without `Send` in a trait. In a plain `impl` rustc sees the returned type and checks it.
pub(super) fn check_send(contract: &mut Contract<'_>, errors: &mut Errors) {
    contract.methods.retain(|method| {
        let unsendable = method.output.stream.as_ref().filter(|stream| !stream.is_send());
        if let Some(stream) = unsendable {
            errors.push(stream.impl_trait, text::stream_not_send(stream.item));
        }
        unsendable.is_none()
    });
}

pub(super) fn check(ty: &Type, stream: &StreamOutput<'_>, errors: &mut Errors) {
    if holds_stream(stream.item) {
        errors.push(stream.item, text::NESTED_STREAM);
    } else if tokens::contains_word(stream.item, "impl") {
        errors.push(stream.item, text::IMPL_RETURN);
    } else if tokens::count_word(ty, "impl") > 1 {
        errors.push(ty, text::IMPL_RETURN);
    } else {
        references::check_response(stream.item, text::REFERENCE_ITEM, errors);
        if let Some((_, error)) = types::result_arguments(ty) {
            references::check_error(error, text::REFERENCE_RETURN, errors);
        }
    }
}

/// The error for a return type that contains a stream which the model did not recognise.
pub(super) fn misplaced(ty: &Type) -> Option<&'static str> {
    if model::is_stream(ty) {
        Some(text::STREAM_WITHOUT_ITEM)
    } else if tokens::contains_bound(ty, "dyn", "Stream") {
        Some(text::BOXED_STREAM)
    } else if tokens::contains_bound(ty, "impl", "Stream") {
        let is_boxed = ["Box", "Pin"].iter().any(|name| types::is_named(ty, name));
        Some(if is_boxed { text::BOXED_STREAM } else { text::NESTED_STREAM })
    } else {
        None
    }
}

pub(super) fn check_on_full(method: &Method<'_>, errors: &mut Errors) {
    let is_stream = method.output.stream.is_some() || method.output.ty.is_some_and(|ty| misplaced(ty).is_some());
    if let Some(on_full) = &method.on_full
        && !is_stream
    {
        errors.push(&on_full.key, text::ON_FULL_WITHOUT_STREAM);
    }
}

fn holds_stream(ty: &Type) -> bool {
    ["impl", "dyn"].iter().any(|keyword| tokens::contains_bound(ty, keyword, "Stream"))
}
