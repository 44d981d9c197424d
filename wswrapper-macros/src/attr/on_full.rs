use syn::{Ident, LitStr};

use super::meta_items::MetaItems;
use crate::errors::Errors;
use crate::text;

/// `on_full = ".."` of a request: the policy for items that a stream has while its consumer has no credit.
pub(crate) struct OnFull {
    pub(crate) key: Ident,
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

/// `on_full = ".."` of an event, with `key = ".."`: the policy for a peer whose queue is full.
pub(crate) struct EventOnFull {
    pub(crate) policy: EventPolicy,
    /// The name of an argument, and where it is written.
    pub(crate) latest_key: Option<LitStr>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum EventPolicy {
    #[default]
    Wait,
    Drop,
    Latest,
    Close,
}

const EVENT_POLICIES: [(&str, EventPolicy); 4] = [
    ("wait", EventPolicy::Wait),
    ("drop", EventPolicy::Drop),
    ("latest", EventPolicy::Latest),
    ("close", EventPolicy::Close),
];

impl OnFull {
    pub(crate) fn read(items: &MetaItems, errors: &mut Errors) -> Option<Self> {
        if let Some(latest_key) = items.key("key") {
            errors.push(latest_key, text::KEY_WITHOUT_LATEST);
        }
        let key = items.key("on_full")?.clone();
        let policy = policy(items, &POLICIES, errors)?;
        Some(Self { key, policy })
    }
}

impl EventOnFull {
    pub(crate) fn read(items: &MetaItems, errors: &mut Errors) -> Option<Self> {
        let policy = items.key("on_full").and_then(|_| policy(items, &EVENT_POLICIES, errors));
        let is_missing = items.key("on_full").is_none();
        if let Some(key) = items.key("key")
            && (is_missing || policy.is_some_and(|policy| policy != EventPolicy::Latest))
        {
            errors.push(key, text::KEY_WITHOUT_LATEST);
            return policy.map(|policy| Self { policy, latest_key: None });
        }
        let latest_key = items.key("key").and_then(|_| items.string("key", text::EMPTY_KEY, errors));
        policy.map(|policy| Self { policy, latest_key })
    }
}

/// Reads `on_full`. An unknown policy is reported, and becomes the default.
fn policy<P: Copy + Default, const N: usize>(
    items: &MetaItems,
    policies: &[(&str, P); N],
    errors: &mut Errors,
) -> Option<P> {
    let literal = items.literal("on_full", errors)?;
    let name = literal.value();
    if let Some((_, policy)) = policies.iter().find(|(known, _)| *known == name) {
        return Some(*policy);
    }
    errors.push(&literal, text::unknown_policy(&name, &policies.map(|(name, _)| name)));
    None
}
