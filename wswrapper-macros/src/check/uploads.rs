//! Uploads as arguments.

use syn::Type;

use super::references;
use crate::errors::Errors;
use crate::model::{Execution, Kind, Method, Upload};
use crate::{text, tokens, types};

/// One error a method: the first that stands in the way.
pub(super) fn check(method: &Method<'_>, errors: &mut Errors) {
    let mut uploads = method.arguments.iter().filter(|argument| argument.upload().is_some());
    let Some(first) = uploads.next() else { return };
    if let Some(second) = uploads.next() {
        errors.push(second.ty, text::TWO_UPLOADS);
    } else if method.kind == Kind::Event {
        errors.push(first.ty, text::EVENT_UPLOAD);
    } else if method.output.stream.is_some() {
        errors.push(first.ty, text::UPLOAD_AND_STREAM);
    } else if !method.is_async() && matches!(method.execution, Execution::InPlace) {
        errors.push(method.name, text::PLAIN_UPLOAD);
    }
}

/// What is wrong with an argument that the model did not take for an upload.
pub(super) fn misplaced(ty: &Type) -> Option<&'static str> {
    let is_stream = ["impl", "dyn"].iter().any(|keyword| tokens::contain_bound(ty, keyword, "Stream"));
    if is_stream || tokens::contain_all(ty, &["Streaming", "<"]) {
        Some(text::STREAM_ARGUMENT)
    } else if tokens::contain_all(ty, &["Upload", "<"]) && !types::is_named(ty, "Upload") {
        Some(text::UPLOAD_WITHIN)
    } else {
        None
    }
}

pub(super) fn check_items(upload: Upload<'_>, errors: &mut Errors) {
    let error = upload.error.filter(|ty| tokens::contain(ty, "impl"));
    if let Some(generic) = Some(upload.item).filter(|ty| tokens::contain(ty, "impl")).or(error) {
        errors.push(generic, text::GENERIC_HANDLER);
    } else {
        references::check(upload.item, text::REFERENCE_ITEM, errors);
        if let Some(error) = upload.error {
            references::check_error(error, text::REFERENCE_ITEM, errors);
        }
    }
}
