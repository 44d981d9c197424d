use syn::LitStr;
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;

use super::meta_items::MetaItems;
use crate::errors::Errors;
use crate::text;

/// The value of `channel`: a name, or a pattern with parameters, `doc/{id}`.
pub(crate) struct Channel {
    pub(crate) name: LitStr,
    /// The names of the parameters, in their order.
    pub(crate) parameters: Vec<String>,
}

impl Channel {
    pub(super) fn read(items: &MetaItems, errors: &mut Errors) -> Option<Self> {
        let name = items.string("channel", text::EMPTY_CHANNEL, errors)?;
        let parameters = parameters(&name.value()).unwrap_or_else(|message| {
            errors.push(&name, message);
            Vec::new()
        });
        Some(Self { name, parameters })
    }
}

/// A parameter is a whole segment in braces. Returns the text of the error if there is one.
fn parameters(pattern: &str) -> Result<Vec<String>, String> {
    let mut parameters = Vec::new();
    for segment in pattern.split('/').filter(|segment| segment.contains(['{', '}'])) {
        let name = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}'));
        match name {
            Some("") => return Err(text::UNNAMED_PARAMETER.to_owned()),
            Some(name) if name.contains(['{', '}']) => return Err(text::misplaced_parameter(segment)),
            Some(name) if !is_identifier(name) => return Err(text::parameter_not_a_name(name)),
            Some(name) if parameters.iter().any(|earlier| earlier == name) => return Err(text::parameter_twice(name)),
            Some(name) => parameters.push(name.to_owned()),
            None if segment.matches('{').count() != segment.matches('}').count() => {
                return Err(text::unpaired_brace(segment));
            }
            None => return Err(text::misplaced_parameter(segment)),
        }
    }
    Ok(parameters)
}

/// Returns true for a name that an argument can have, perhaps as a raw identifier.
fn is_identifier(name: &str) -> bool {
    let parsed = syn::Ident::parse_any.parse_str(name);
    parsed.is_ok_and(|ident| ident == name) && !["_", "self", "Self", "super", "crate"].contains(&name)
}
