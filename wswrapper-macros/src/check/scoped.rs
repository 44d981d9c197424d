use syn::Type;

use crate::tokens;

pub(super) fn contains_scoped(ty: &Type) -> bool {
    tokens::contains_run(ty, &["Scoped", "<", "dyn"])
}
