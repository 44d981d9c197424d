use syn::Type;

use crate::tokens;

pub(super) fn is_within(ty: &Type) -> bool {
    tokens::contain_all(ty, &["Scoped", "<", "dyn"])
}
