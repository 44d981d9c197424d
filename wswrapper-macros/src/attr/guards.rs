use syn::ExprPath;

use super::meta_items::MetaItems;
use crate::errors::Errors;
use crate::text;

/// The paths of `guard = path`, in the order in which they are written. Reports a path that is given twice.
pub(super) fn guards(items: &MetaItems, errors: &mut Errors) -> Vec<ExprPath> {
    let mut paths: Vec<ExprPath> = Vec::new();
    for path in items.paths("guard", text::GUARD_NOT_A_PATH, errors) {
        if paths.iter().any(|earlier| text::code(earlier) == text::code(&path)) {
            errors.push(&path, text::guard_twice(&path));
        } else {
            paths.push(path);
        }
    }
    paths
}
