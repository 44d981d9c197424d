use syn::ext::IdentExt as _;
use syn::{Attribute, ExprPath, FnArg, Ident, PatType, ReceiverKind};

use super::argument::{Argument, ArgumentKind, Upload};
use super::execution::Execution;
use super::output::Output;
use super::wire_name::WireName;
use crate::attr::{ArgumentAttr, ContractAttr, EventOnFull, MethodAttr, OnFull};
use crate::errors::Errors;
use crate::parse::Function;
use crate::types::{is_arc_of_self, is_named};

pub(crate) struct Method<'a> {
    pub(crate) function: &'a Function,
    pub(crate) name: &'a Ident,
    pub(crate) wire_name: WireName,
    pub(crate) kind: MethodKind,
    pub(crate) execution: Execution,
    pub(crate) context: Option<&'a PatType>,
    pub(crate) arguments: Vec<Argument<'a>>,
    pub(crate) output: Output<'a>,
    /// Of a stream.
    pub(crate) on_full: Option<OnFull>,
    pub(crate) event_on_full: Option<EventOnFull>,
    /// The attribute of a request that may be sent again.
    pub(crate) idempotent: Option<Ident>,
    pub(crate) guards: Vec<ExprPath>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MethodKind {
    Request,
    Event,
}

impl<'a> Method<'a> {
    pub(super) fn new(function: &'a Function, attr_of_contract: &ContractAttr, errors: &mut Errors) -> Self {
        let (rule, channel) = (attr_of_contract.rename_all, attr_of_contract.channel.as_ref());
        let attr = MethodAttr::read(&function.ws_attrs, errors);
        let mut context = None;
        let mut arguments = Vec::new();
        for (input, ws) in function.sig.inputs.iter().zip(&function.input_ws_attrs) {
            let FnArg::Typed(input) = input else { continue };
            let attr = ArgumentAttr::read(ws, errors);
            let is_context = attr.context.is_some() || is_named(&input.ty, "Context");
            if is_context && arguments.is_empty() && context.is_none() {
                context = Some(input);
            } else {
                let kind = if is_context { ArgumentKind::Context } else { ArgumentKind::of(&input.ty) };
                arguments.push(Argument::new(input, kind, arguments.len(), channel));
            }
        }
        Self {
            function,
            name: &function.sig.ident,
            wire_name: WireName::of_method(&function.sig.ident, attr.name.as_ref(), rule),
            kind: match attr.event {
                Some(_) => MethodKind::Event,
                None => MethodKind::Request,
            },
            execution: Execution::new(attr.blocking, attr.spawn),
            context,
            arguments,
            output: Output::new(&function.sig),
            on_full: attr.on_full,
            event_on_full: attr.event_on_full,
            idempotent: attr.idempotent,
            guards: attr.guards,
        }
    }

    /// The attributes called `name`.
    pub(crate) fn attrs(&self, name: &str) -> impl Iterator<Item = &'a Attribute> {
        let attrs = self.function.attrs.iter();
        attrs.filter(move |attr| attr.path().is_ident(name))
    }

    /// The arguments inside the call's message: all but an upload, and what its channel says.
    pub(crate) fn sent_arguments(&self) -> impl Iterator<Item = &Argument<'a>> {
        self.arguments.iter().filter(|argument| argument.upload().is_none() && !argument.is_parameter)
    }

    /// The arguments that a caller gives to the method of the proxy.
    pub(crate) fn given_arguments(&self) -> impl Iterator<Item = &Argument<'a>> {
        self.arguments.iter().filter(|argument| !argument.is_parameter)
    }

    /// Returns the position of a sent argument.
    pub(crate) fn position_of(&self, name: &str) -> Option<usize> {
        self.sent_arguments().position(|argument| argument.name.unraw() == name)
    }

    pub(crate) fn upload(&self) -> Option<(&Argument<'a>, Upload<'a>)> {
        self.arguments.iter().find_map(|argument| Some((argument, argument.upload()?)))
    }

    /// Returns true if the method takes `self: Arc<Self>`.
    pub(crate) fn takes_arc(&self) -> bool {
        match self.function.sig.inputs.first() {
            Some(FnArg::Receiver(receiver)) => {
                matches!(&receiver.kind, ReceiverKind::Typed(_, ty) if is_arc_of_self(ty))
            }
            _ => false,
        }
    }

    pub(crate) fn is_async(&self) -> bool {
        self.function.sig.asyncness.is_some()
    }
}
