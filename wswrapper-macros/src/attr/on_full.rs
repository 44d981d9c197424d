use super::meta_items::MetaItems;
use crate::errors::Errors;
use crate::text;

/// `on_full = ".."`: the policy for items that a stream has while its consumer has no credit.
pub(crate) struct OnFull {
    pub(crate) key: syn::Ident,
    pub(crate) policy: Policy,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Policy {
    #[default]
    Wait,
    DropOldest,
    DropNewest,
    Latest,
    Close,
}

const POLICIES: [(&str, Policy); 5] = [
    ("wait", Policy::Wait),
    ("drop_oldest", Policy::DropOldest),
    ("drop_newest", Policy::DropNewest),
    ("latest", Policy::Latest),
    ("close", Policy::Close),
];

impl OnFull {
    pub(crate) fn read(items: &MetaItems, errors: &mut Errors) -> Option<Self> {
        let key = items.key("on_full")?.clone();
        let literal = items.literal("on_full", errors)?;
        let name = literal.value();
        let policy = Policy::named(&name).unwrap_or_else(|| {
            errors.push(&literal, text::unknown_policy(&name, &POLICIES.map(|(name, _)| name)));
            Policy::default()
        });
        Some(Self { key, policy })
    }
}

impl Policy {
    fn named(name: &str) -> Option<Self> {
        let (_, policy) = POLICIES.iter().find(|(known, _)| *known == name)?;
        Some(*policy)
    }
}
