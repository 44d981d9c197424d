use syn::ext::IdentExt as _;
use syn::{FnArg, GenericParam, Ident, ReceiverKind, Safety};

use super::{argument, output, references, streams, uploads};
use crate::errors::Errors;
use crate::model::{Execution, Method, MethodKind};
use crate::{text, tokens};

pub(super) fn check(method: &Method<'_>, proxy: &Ident, errors: &mut Errors) {
    if !takes_self(method) {
        // A constructor breaks other rules too, and is no handler at all.
        errors.push(method.name, text::no_receiver(method.name));
        return;
    }
    check_receiver(method, errors);
    check_safety(method, errors);
    check_execution(method, errors);
    check_generics(method, errors);
    check_context(method, errors);
    for argument in &method.arguments {
        argument::check(argument, errors);
    }
    uploads::check(method, errors);
    output::check(method, errors);
    streams::check_on_full(method, errors);
    check_latest_key(method, errors);
    check_idempotent(method, errors);
    check_self_types(method, errors);
    check_new(method, proxy, errors);
}

fn takes_self(method: &Method<'_>) -> bool {
    matches!(method.function.sig.inputs.first(), Some(FnArg::Receiver(_)))
}

fn check_receiver(method: &Method<'_>, errors: &mut Errors) {
    match method.function.sig.inputs.first() {
        Some(FnArg::Receiver(_)) if method.takes_arc() => {}
        Some(FnArg::Receiver(receiver)) => match &receiver.kind {
            ReceiverKind::Reference(_, _, None) => {}
            ReceiverKind::Reference(_, _, Some(_)) => errors.push(receiver, text::MUT_RECEIVER),
            _ => errors.push(receiver, text::no_receiver(method.name)),
        },
        _ => {}
    }
}

fn check_safety(method: &Method<'_>, errors: &mut Errors) {
    if let Safety::Unsafe(keyword) = &method.function.sig.safety {
        errors.push(keyword, text::UNSAFE_HANDLER);
    }
}

fn check_execution(method: &Method<'_>, errors: &mut Errors) {
    if let (Some(flag), Some(message)) = (method.execution.flag(), only_in_place(method)) {
        errors.push(flag, message);
        return;
    }
    match &method.execution {
        Execution::Blocking(flag) if method.is_async() => errors.push(flag, text::BLOCKING_ASYNC),
        Execution::Spawned(flag) if !method.is_async() => errors.push(flag, text::SPAWNED_WITHOUT_ASYNC),
        Execution::Both(flag) => errors.push(flag, text::BLOCKING_AND_SPAWNED),
        Execution::InPlace | Execution::Blocking(_) | Execution::Spawned(_) => {}
    }
}

/// The error for a handler that has to run in the task of its connection and is marked otherwise.
fn only_in_place(method: &Method<'_>) -> Option<&'static str> {
    if method.output.stream.is_some() {
        return Some(text::STREAM_IN_ANOTHER_TASK);
    }
    method.upload().map(|_| text::UPLOAD_IN_ANOTHER_TASK)
}

fn check_generics(method: &Method<'_>, errors: &mut Errors) {
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

fn check_latest_key(method: &Method<'_>, errors: &mut Errors) {
    let key = method.event_on_full.as_ref().and_then(|on_full| on_full.latest_key.as_ref());
    if let Some(key) = key.filter(|key| method.position_of(&key.value()).is_none()) {
        if method.arguments.iter().any(|argument| argument.is_parameter && argument.name.unraw() == key.value()) {
            errors.push(key, text::parameter_as_a_key(&key.value()));
            return;
        }
        let names: Vec<_> = method.sent_arguments().map(|argument| argument.name.unraw().to_string()).collect();
        errors.push(key, text::unknown_key(&key.value(), &names));
    }
}

fn check_idempotent(method: &Method<'_>, errors: &mut Errors) {
    let Some(flag) = &method.idempotent else { return };
    if method.kind == MethodKind::Event {
        errors.push(flag, text::EVENT_IDEMPOTENT);
    } else if method.upload().is_some() {
        errors.push(flag, text::UPLOAD_IDEMPOTENT);
    }
}

fn check_self_types(method: &Method<'_>, errors: &mut Errors) {
    let arguments = method.arguments.iter().map(|argument| argument.ty);
    for ty in arguments.chain(method.output.ty) {
        if tokens::contains_word(ty, "Self") {
            errors.push(ty, text::SELF_IN_SIGNATURE);
        }
    }
}

fn check_new(method: &Method<'_>, proxy: &Ident, errors: &mut Errors) {
    if method.name == "new" {
        errors.push(method.name, text::conflicts_with_new(proxy));
    }
}

pub(super) fn check_reserved(method: &Method<'_>, errors: &mut Errors) {
    if method.wire_name.is_reserved() {
        errors.push_at(method.wire_name.span, text::reserved(&method.wire_name.text));
    }
}
