use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::{Ident, LitStr};

use crate::attr::RenameRule;

/// The name of an event, or the code of an error, as it is sent. The span is the one of the user's name or literal.
pub(crate) struct WireName {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// Events that the protocol reserves on the main channel (P-20).
const RESERVED: [&str; 6] = ["open", "connect", "message", "error", "close", "disconnect"];

impl WireName {
    pub(crate) fn of_method(method: &Ident, given: Option<&LitStr>, rule: RenameRule) -> Self {
        Self::new(method, given, |name| rule.apply_to_method(name))
    }

    pub(crate) fn of_variant(variant: &Ident, given: Option<&LitStr>, rule: RenameRule) -> Self {
        Self::new(variant, given, |name| rule.apply_to_variant(name))
    }

    pub(crate) fn is_reserved(&self) -> bool {
        RESERVED.contains(&self.text.as_str())
    }

    fn new(ident: &Ident, given: Option<&LitStr>, rename: impl Fn(&str) -> String) -> Self {
        match given {
            Some(literal) => Self { text: literal.value(), span: literal.span() },
            None => Self { text: rename(&ident.unraw().to_string()), span: ident.span() },
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn reserved_events_are_those_of_the_protocol() {
        // Written twice, because a crate of macros does not link the core.
        assert_eq!(super::RESERVED, wswrapper::proto::RESERVED);
    }
}
