//! The rules. A method that breaks one leaves the model, so that what is expanded holds
//! nothing but sound methods and no error shows twice.

mod references;
mod streams;
mod uploads;

use std::collections::HashSet;

use syn::{FnArg, GenericParam, Ident, Pat, ReceiverKind, Safety, Type, TypeParamBound};

use crate::errors::Errors;
use crate::model::{
    Argument, Contract, Disclosure, ErrorType, Execution, Kind, Method, Passing, PlainImpl, Service, TraitImpl,
};
use crate::parse::Member;
use crate::{text, tokens, types};

/// The supertraits of std that no `dyn` can have.
const NOT_FOR_DYN: [&str; 9] = ["Sized", "Clone", "Copy", "Default", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"];

pub(crate) fn service(service: &mut Service<'_>, errors: &mut Errors) {
    check_generics(&mut service.contract, text::GENERIC_SERVICE, errors);
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
            for attr in function.ws.iter().chain(function.input_ws.iter().flatten()) {
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

pub(crate) fn error(error: &ErrorType<'_>, errors: &mut Errors) {
    check_codes(error, errors);
}

fn methods(contract: &mut Contract<'_>, errors: &mut Errors) {
    let proxy = contract.proxy();
    let is_on_main_channel = contract.channel.is_none();
    contract.methods.retain(|method| {
        let before = errors.count();
        check_receiver(method, errors);
        check_safety(method, errors);
        check_execution(method, errors);
        check_method_generics(method, errors);
        check_context(method, errors);
        for argument in &method.arguments {
            check_argument(argument, errors);
        }
        uploads::check(method, errors);
        check_output(method, errors);
        streams::check_on_full(method, errors);
        check_self_types(method, errors);
        check_new(method, &proxy, errors);
        if is_on_main_channel {
            check_reserved(method, errors);
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
            tokens::contain_all(signature, &["'", &parameter.lifetime.ident.to_string()])
        }
        GenericParam::Type(parameter) => tokens::contain(signature, &parameter.ident.to_string()),
        GenericParam::Const(parameter) => tokens::contain(signature, &parameter.ident.to_string()),
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
        let is_allowed = required.maybe.is_some() || !NOT_FOR_DYN.iter().any(|forbidden| last.ident == forbidden);
        if !is_allowed {
            errors.push(bound, text::supertrait(&last.ident, name));
        }
        is_allowed
    });
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
            Member::Function(_) | Member::Macro(_) => {}
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
        // Of two methods with a `cfg` at most one may be left.
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

fn check_receiver(method: &Method<'_>, errors: &mut Errors) {
    match method.function.sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) => match &receiver.kind {
            ReceiverKind::Reference(_, _, None) => {}
            ReceiverKind::Reference(_, _, Some(_)) => errors.push(receiver, text::MUT_RECEIVER),
            _ => errors.push(receiver, text::no_receiver(method.name)),
        },
        _ => errors.push(method.name, text::no_receiver(method.name)),
    }
}

fn check_safety(method: &Method<'_>, errors: &mut Errors) {
    if let Safety::Unsafe(keyword) = &method.function.sig.safety {
        errors.push(keyword, text::UNSAFE_HANDLER);
    }
}

fn check_execution(method: &Method<'_>, errors: &mut Errors) {
    if let (Some(word), Some(message)) = (method.execution.word(), only_in_place(method)) {
        errors.push(word, message);
        return;
    }
    match &method.execution {
        Execution::Blocking(word) if method.is_async() => errors.push(word, text::BLOCKING_ASYNC),
        Execution::Spawned(word) if !method.is_async() => errors.push(word, text::SPAWNED_PLAIN),
        Execution::Both(word) => errors.push(word, text::BLOCKING_AND_SPAWNED),
        Execution::InPlace | Execution::Blocking(_) | Execution::Spawned(_) => {}
    }
}

/// Why a handler has to run in the task of its connection, if it has to.
fn only_in_place(method: &Method<'_>) -> Option<&'static str> {
    if method.output.stream.is_some() {
        return Some(text::STREAM_ELSEWHERE);
    }
    method.upload().map(|_| text::UPLOAD_ELSEWHERE)
}

fn check_method_generics(method: &Method<'_>, errors: &mut Errors) {
    for parameter in &method.function.sig.generics.params {
        match parameter {
            GenericParam::Lifetime(_) => errors.push(parameter, text::LIFETIME_HANDLER),
            GenericParam::Type(_) | GenericParam::Const(_) => {
                errors.push(parameter, text::GENERIC_HANDLER);
            }
        }
    }
}

fn check_context(method: &Method<'_>, errors: &mut Errors) {
    if let Some(context) = method.context {
        references::check(&context.ty, text::REFERENCE_ARGUMENT, errors);
    }
}

fn check_argument(argument: &Argument<'_>, errors: &mut Errors) {
    if !is_plain_name(&argument.input.pat) {
        errors.push(&argument.input.pat, text::PATTERN_ARGUMENT);
    }
    match argument.passing {
        Passing::Context => errors.push(argument.ty, text::CONTEXT_NOT_FIRST),
        Passing::Str | Passing::Bytes => check_lifetime(argument.ty, errors),
        Passing::Owned | Passing::Text => check_owned(argument.ty, errors),
        Passing::Upload(upload) => uploads::check_items(upload, errors),
    }
}

fn check_owned(ty: &Type, errors: &mut Errors) {
    if let Some(message) = uploads::misplaced(ty) {
        errors.push(ty, message);
    } else if holds_scoped(ty) {
        errors.push(ty, text::SCOPED_ARGUMENT);
    } else if tokens::contain(ty, "impl") {
        errors.push(ty, text::GENERIC_HANDLER);
    } else {
        references::check(ty, text::REFERENCE_ARGUMENT, errors);
    }
}

/// `&'static str` cannot come out of a message.
fn check_lifetime(ty: &Type, errors: &mut Errors) {
    if let Type::Reference(reference) = types::through_groups(ty)
        && reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static")
    {
        errors.push(ty, text::REFERENCE_ARGUMENT);
    }
}

fn check_output(method: &Method<'_>, errors: &mut Errors) {
    let Some(ty) = method.output.ty else { return };
    if method.kind == Kind::Event {
        errors.push(ty, text::EVENT_RETURN);
    } else if let Some(stream) = &method.output.stream {
        streams::check(ty, stream, errors);
    } else if let Some(message) = streams::misplaced(ty) {
        errors.push(ty, message);
    } else if holds_scoped(ty) && method.output.scoped.is_none() {
        errors.push(ty, text::SCOPED_WITHIN);
    } else if tokens::contain(ty, "impl") {
        errors.push(ty, text::IMPL_RETURN);
    } else {
        references::check_answer(ty, text::REFERENCE_RETURN, errors);
    }
}

fn holds_scoped(ty: &Type) -> bool {
    tokens::contain_all(ty, &["Scoped", "<", "dyn"])
}

fn check_self_types(method: &Method<'_>, errors: &mut Errors) {
    let arguments = method.arguments.iter().map(|argument| argument.ty);
    for ty in arguments.chain(method.output.ty) {
        if tokens::contain(ty, "Self") {
            errors.push(ty, text::SELF_IN_SIGNATURE);
        }
    }
}

fn check_new(method: &Method<'_>, proxy: &Ident, errors: &mut Errors) {
    if method.name == "new" {
        errors.push(method.name, text::conflicts_with_new(proxy));
    }
}

fn check_reserved(method: &Method<'_>, errors: &mut Errors) {
    if method.wire_name.is_reserved() {
        errors.push_at(method.wire_name.span, text::reserved(&method.wire_name.text));
    }
}

fn check_codes(error: &ErrorType<'_>, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for variant in &error.variants {
        let is_sent = variant.disclosure == Disclosure::Sent;
        // Of two variants with a `cfg` at most one may be left.
        if is_sent && variant.cfgs().next().is_none() && !seen.insert(&variant.code.text) {
            errors.push_at(variant.code.span, text::code_twice(&variant.code.text));
        }
    }
}

fn is_plain_name(pattern: &Pat) -> bool {
    matches!(pattern, Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none())
}
