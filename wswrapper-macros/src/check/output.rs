use syn::Type;

use super::{references, scoped, streams};
use crate::errors::Errors;
use crate::model::{Method, MethodKind};
use crate::{text, tokens, types};

pub(super) fn check(method: &Method<'_>, errors: &mut Errors) {
    let Some(ty) = method.output.ty else { return };
    if method.kind == MethodKind::Event {
        errors.push(ty, text::EVENT_WITH_RETURN_TYPE);
    } else if let Some(stream) = &method.output.stream {
        streams::check(ty, stream, errors);
    } else if let Some(message) = streams::misplaced(ty) {
        errors.push(ty, message);
    } else if is_future(ty) {
        errors.push(ty, text::FUTURE_RETURN);
    } else if scoped::contains_scoped(ty) && method.output.scoped.is_none() {
        errors.push(ty, text::NESTED_SCOPED);
    } else if tokens::contains_word(ty, "impl") {
        errors.push(ty, text::IMPL_RETURN);
    } else {
        references::check_response(ty, text::REFERENCE_RETURN, errors);
    }
}

fn is_future(ty: &Type) -> bool {
    ["impl", "dyn"].iter().any(|keyword| tokens::contains_bound(ty, keyword, "Future"))
        || ["BoxFuture", "LocalBoxFuture"].iter().any(|name| types::is_named(ty, name))
}
