use std::collections::HashSet;

use syn::{GenericParam, TypeParamBound};

use super::{method, parameters, streams};
use crate::errors::Errors;
use crate::model::{Contract, Method, PlainImpl, Service, TraitImpl};
use crate::parse::Member;
use crate::{text, tokens};

/// Traits of std that are not dyn-compatible.
const NOT_DYN_COMPATIBLE: [&str; 9] =
    ["Sized", "Clone", "Copy", "Default", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"];

pub(crate) fn service(service: &mut Service<'_>, errors: &mut Errors) {
    check_generics(&mut service.contract, text::GENERIC_SERVICE, errors);
    check_guards(service, errors);
    check_supertraits(service, errors);
    check_members(&service.item.members, errors);
    check_macros(&service.item.members, errors);
    check_duplicates(&mut service.contract, text::already_declared, errors);
    streams::check_send(&mut service.contract, errors);
    methods(&mut service.contract, errors);
}

pub(crate) fn trait_impl(handlers: &TraitImpl<'_>, errors: &mut Errors) {
    for member in &handlers.item.members {
        if let Member::Function(function) = member {
            for attr in function.ws_attrs.iter().chain(function.input_ws_attrs.iter().flatten()) {
                errors.push(attr, text::attribute_in_trait_impl(handlers.trait_path));
            }
        }
    }
}

pub(crate) fn plain_impl(handlers: &mut PlainImpl<'_>, errors: &mut Errors) {
    check_generics(&mut handlers.contract, text::GENERIC_TYPE, errors);
    check_type_arguments(handlers, errors);
    check_macros(&handlers.item.members, errors);
    check_duplicates(&mut handlers.contract, text::already_handled, errors);
    methods(&mut handlers.contract, errors);
}

fn methods(contract: &mut Contract<'_>, errors: &mut Errors) {
    parameters::check(contract, errors);
    let proxy = contract.proxy();
    let is_on_main_channel = contract.channel.is_none();
    contract.methods.retain(|method| {
        let before = errors.count();
        method::check(method, &proxy, errors);
        if is_on_main_channel {
            method::check_reserved(method, errors);
        }
        errors.count() == before
    });
}

fn check_generics(contract: &mut Contract<'_>, message: &str, errors: &mut Errors) {
    let generics = contract.generics;
    if !generics.params.is_empty() {
        errors.push(generics, message);
        contract.methods.retain(|method| !generics.params.iter().any(|parameter| names(method, parameter)));
    }
}

fn names(method: &Method<'_>, parameter: &GenericParam) -> bool {
    let signature = &method.function.sig;
    match parameter {
        GenericParam::Lifetime(parameter) => {
            tokens::contains_run(signature, &["'", &parameter.lifetime.ident.to_string()])
        }
        GenericParam::Type(parameter) => tokens::contains_word(signature, &parameter.ident.to_string()),
        GenericParam::Const(parameter) => tokens::contains_word(signature, &parameter.ident.to_string()),
    }
}

fn check_type_arguments(handlers: &PlainImpl<'_>, errors: &mut Errors) {
    let is_reported = !handlers.contract.generics.params.is_empty();
    if let Some(arguments) = handlers.type_arguments()
        && !is_reported
    {
        errors.push(arguments, text::GENERIC_TYPE);
    }
}

fn check_supertraits(service: &mut Service<'_>, errors: &mut Errors) {
    let name = service.contract.name;
    service.supertraits.retain(|bound| {
        let TypeParamBound::Trait(required) = bound else {
            return true;
        };
        let Some(last) = required.path.segments.last() else {
            return true;
        };
        let is_allowed =
            required.maybe.is_some() || !NOT_DYN_COMPATIBLE.iter().any(|forbidden| last.ident == forbidden);
        if !is_allowed {
            errors.push(bound, text::supertrait(&last.ident, name));
        }
        is_allowed
    });
}

fn check_guards(service: &Service<'_>, errors: &mut Errors) {
    if service.client {
        let of_methods = service.contract.methods.iter().flat_map(|method| &method.guards);
        for guard in service.contract.guards.iter().chain(of_methods) {
            errors.push(guard, text::GUARD_OF_CLIENT_CONTRACT);
        }
    }
}

fn check_members(members: &[Member], errors: &mut Errors) {
    for member in members {
        match member {
            Member::Const(raw) => {
                errors.push_at(tokens::first_span(&raw.tokens), text::ASSOCIATED_CONST);
            }
            Member::Type(raw) => {
                errors.push_at(tokens::first_span(&raw.tokens), text::ASSOCIATED_TYPE);
            }
            Member::Function(_) | Member::Macro(_) | Member::Unfinished(_) => {}
        }
    }
}

fn check_macros(members: &[Member], errors: &mut Errors) {
    for member in members {
        if let Member::Macro(raw) = member {
            errors.push(&raw.tokens, text::MACRO_MEMBER);
        }
    }
}

fn check_duplicates(contract: &mut Contract<'_>, message: fn(&str) -> String, errors: &mut Errors) {
    let mut seen = HashSet::new();
    contract.methods.retain(|method| {
        // Methods with `cfg` may exclude each other.
        if method.attrs("cfg").next().is_some() {
            return true;
        }
        let is_first = seen.insert(method.wire_name.text.clone());
        if !is_first {
            errors.push_at(method.wire_name.span, message(&method.wire_name.text));
        }
        is_first
    });
}
