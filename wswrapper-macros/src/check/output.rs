use super::{references, scoped, streams};
use crate::errors::Errors;
use crate::model::{Kind, Method};
use crate::{text, tokens};

pub(super) fn check(method: &Method<'_>, errors: &mut Errors) {
    let Some(ty) = method.output.ty else { return };
    if method.kind == Kind::Event {
        errors.push(ty, text::EVENT_RETURN);
    } else if let Some(stream) = &method.output.stream {
        streams::check(ty, stream, errors);
    } else if let Some(message) = streams::misplaced(ty) {
        errors.push(ty, message);
    } else if scoped::is_within(ty) && method.output.scoped.is_none() {
        errors.push(ty, text::SCOPED_WITHIN);
    } else if tokens::contain(ty, "impl") {
        errors.push(ty, text::IMPL_RETURN);
    } else {
        references::check_answer(ty, text::REFERENCE_RETURN, errors);
    }
}
