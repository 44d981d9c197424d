use quote::ToTokens as _;
use syn::Type;

use crate::errors::Errors;
use crate::model::{Argument, ArgumentKind, Contract, Method};
use crate::{text, types};

/// Checks the arguments that are filled from the name of the channel. A method with an error is removed.
pub(super) fn check(contract: &mut Contract<'_>, errors: &mut Errors) {
    for parameter in &mut contract.parameters {
        let name = &parameter.name;
        contract.methods.retain(|method| {
            let Some(argument) = find(method, name) else {
                return true;
            };
            match argument {
                Found::Argument(argument) if !is_value(argument) => {
                    errors.push(argument.ty, text::parameter_without_value(name));
                    parameter.is_taken = true;
                    false
                }
                Found::Context(ty) => {
                    errors.push(ty, text::parameter_without_value(name));
                    parameter.is_taken = true;
                    false
                }
                Found::Argument(argument) => {
                    parameter.is_taken = true;
                    let is_same = parameter.ty.is_none_or(|first| is_same_type(first, argument.ty));
                    if !is_same {
                        errors.push(argument.ty, text::parameter_of_two_types(name, parameter.ty));
                    }
                    parameter.ty.get_or_insert(argument.ty);
                    is_same
                }
            }
        });
        if !parameter.is_taken
            && let Some(channel) = contract.channel
        {
            errors.push(&channel.name, text::unused_parameter(name));
        }
    }
}

enum Found<'m, 'a> {
    Argument(&'m Argument<'a>),
    Context(&'m Type),
}

fn find<'m, 'a>(method: &'m Method<'a>, name: &str) -> Option<Found<'m, 'a>> {
    let argument = method.arguments.iter().find(|argument| argument.is_named(name));
    argument.map(Found::Argument).or_else(|| {
        let context = method.context.filter(|input| types::binds(input, name));
        context.map(|input| Found::Context(&input.ty))
    })
}

/// Returns true for an owned value or text. Other checks report other types that an argument cannot have.
fn is_value(argument: &Argument<'_>) -> bool {
    let is_reference = matches!(types::ungroup(argument.ty), Type::Reference(_));
    match argument.kind {
        ArgumentKind::Str | ArgumentKind::Text => true,
        ArgumentKind::Owned => !is_reference,
        ArgumentKind::Bytes | ArgumentKind::Upload(_) | ArgumentKind::Context => false,
    }
}

fn is_same_type(a: &Type, b: &Type) -> bool {
    types::ungroup(a).to_token_stream().to_string() == types::ungroup(b).to_token_stream().to_string()
}
