use std::collections::HashSet;

use super::references;
use crate::errors::Errors;
use crate::model::{Disclosure, ErrorType, Variant};
use crate::text;

pub(crate) fn error(error: &ErrorType<'_>, errors: &mut Errors) {
    check_reserved_codes(error, errors);
    check_codes(error, errors);
    check_fields(error, errors);
}

/// Reports codes that only the library may send.
fn check_reserved_codes(error: &ErrorType<'_>, errors: &mut Errors) {
    for variant in error.variants.iter().filter(|variant| variant.code.text.starts_with("ws:")) {
        errors.push_at(variant.code.span, text::reserved_code(&variant.code.text));
    }
}

fn check_codes(error: &ErrorType<'_>, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for variant in &error.variants {
        let is_sent = variant.disclosure == Disclosure::Sent;
        // Variants with `cfg` may exclude each other.
        if is_sent && variant.cfgs().next().is_none() && !seen.insert(&variant.code.text) {
            errors.push_at(variant.code.span, text::code_twice(&variant.code.text));
        }
    }
}

fn check_fields(error: &ErrorType<'_>, errors: &mut Errors) {
    for field in error.variants.iter().flat_map(Variant::sent_fields) {
        references::check(&field.ty, text::REFERENCE_FIELD, errors);
    }
}
