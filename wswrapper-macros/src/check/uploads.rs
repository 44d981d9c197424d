//! Rules for arguments that are uploads.

use syn::Type;

use super::references;
use crate::errors::Errors;
use crate::model::{Execution, Method, MethodKind, Upload};
use crate::{text, tokens, types};

/// Reports the first broken rule of a method.
pub(super) fn check(method: &Method<'_>, errors: &mut Errors) {
    let mut uploads = method.arguments.iter().filter(|argument| argument.upload().is_some());
    let Some(first) = uploads.next() else { return };
    if let Some(second) = uploads.next() {
        errors.push(second.ty, text::TWO_UPLOADS);
    } else if method.kind == MethodKind::Event {
        errors.push(first.ty, text::EVENT_WITH_UPLOAD);
    } else if method.output.stream.is_some() {
        errors.push(first.ty, text::UPLOAD_AND_STREAM);
    } else if !method.is_async() && matches!(method.execution, Execution::InPlace) {
        errors.push(method.name, text::UPLOAD_WITHOUT_ASYNC);
    }
}

/// The error for a type that contains a stream or an upload, but is not `Upload<..>`.
pub(super) fn misplaced(ty: &Type) -> Option<&'static str> {
    let is_stream = ["impl", "dyn"].iter().any(|keyword| tokens::contains_bound(ty, keyword, "Stream"));
    if is_stream || tokens::contains_run(ty, &["Streaming", "<"]) {
        Some(text::STREAM_ARGUMENT)
    } else if tokens::contains_run(ty, &["Upload", "<"]) && !types::is_named(ty, "Upload") {
        Some(text::NESTED_UPLOAD)
    } else {
        None
    }
}

pub(super) fn check_items(upload: Upload<'_>, errors: &mut Errors) {
    let error = upload.error.filter(|ty| tokens::contains_word(ty, "impl"));
    if let Some(generic) = Some(upload.item).filter(|ty| tokens::contains_word(ty, "impl")).or(error) {
        errors.push(generic, text::GENERIC_HANDLER);
    } else {
        references::check(upload.item, text::REFERENCE_ITEM, errors);
        if let Some(error) = upload.error {
            references::check_error(error, text::REFERENCE_ITEM, errors);
        }
    }
}
