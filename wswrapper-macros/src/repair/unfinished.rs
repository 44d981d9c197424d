use quote::quote;

use crate::parse::{Function, Member};

/// Adds the missing end of a method of a trait, and removes what is no method yet.
///
/// rustc has reported it. As a part of the expansion it would be reported again, because the methods around it change.
pub(crate) fn unfinished(members: &mut Vec<Member>) {
    members.retain_mut(|member| {
        let Member::Unfinished(unfinished) = &*member else { return true };
        let tokens = &unfinished.tokens;
        let ended = syn::parse2::<Function>(quote!(#tokens;));
        ended.map(|function| *member = Member::Function(Box::new(function))).is_ok()
    });
}
