use syn::{Attribute, Path};

use crate::errors::Errors;
use crate::text;

/// Removes attributes that cannot stand below `own`, the attribute that is expanding: `own` again, and
/// `#[async_trait]`, which would change the signatures of the methods.
pub(crate) fn attributes(attrs: &mut Vec<Attribute>, own: &str, errors: &mut Errors) {
    attrs.retain(|attr| {
        let message = match name(attr.path()) {
            Some(name) if name == own => text::attribute_twice(name),
            Some(name) if name == "async_trait" => text::ASYNC_TRAIT.to_owned(),
            _ => return true,
        };
        errors.push(attr, message);
        false
    });
}

fn name(path: &Path) -> Option<&syn::Ident> {
    path.segments.last().map(|segment| &segment.ident)
}
