//! What the user wrote, with the original tokens for the spans.

use std::ptr;

use syn::spanned::Spanned as _;
use syn::{
    Attribute, FnArg, Generics, Ident, LitStr, Pat, PatType, Path, PathArguments, Type, TypeParamBound, Visibility,
};

use crate::args::Args;
use crate::attr::{ArgumentAttr, MethodAttr};
use crate::errors::Errors;
use crate::on_full::OnFull;
use crate::output::Output;
use crate::parse::{Function, Impl, ImplementedTrait, Member, Trait};
use crate::types::{is_named, last_segment, through_groups, type_arguments};
use crate::wire_name::{RenameRule, WireName};

/// A trait that describes a service.
pub(crate) struct Service<'a> {
    pub(crate) item: &'a Trait,
    pub(crate) supertraits: Vec<&'a TypeParamBound>,
    pub(crate) contract: Contract<'a>,
}

/// An `impl` of such a trait.
pub(crate) struct TraitImpl<'a> {
    pub(crate) item: &'a Impl,
    pub(crate) trait_path: &'a Path,
    pub(crate) channel: Option<&'a LitStr>,
    pub(crate) krate: &'a Path,
}

/// A plain `impl` block that is its own contract.
pub(crate) struct PlainImpl<'a> {
    pub(crate) item: &'a Impl,
    pub(crate) contract: Contract<'a>,
}

/// What both ends agree on.
pub(crate) struct Contract<'a> {
    /// The trait's name, or the type's.
    pub(crate) name: &'a Ident,
    pub(crate) vis: Visibility,
    /// None but where the checks have an error for them.
    pub(crate) generics: &'a Generics,
    pub(crate) channel: Option<&'a LitStr>,
    pub(crate) krate: &'a Path,
    pub(crate) methods: Vec<Method<'a>>,
}

pub(crate) struct Method<'a> {
    pub(crate) function: &'a Function,
    pub(crate) name: &'a Ident,
    pub(crate) wire_name: WireName,
    pub(crate) kind: Kind,
    pub(crate) execution: Execution,
    pub(crate) context: Option<&'a PatType>,
    pub(crate) arguments: Vec<Argument<'a>>,
    pub(crate) output: Output<'a>,
    pub(crate) on_full: Option<OnFull>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Event,
}

/// Where a handler runs, with the word that says so.
pub(crate) enum Execution {
    /// In the task of its connection.
    InPlace,
    /// On a thread where it may block.
    Blocking(Ident),
    /// In a task of its own.
    Spawned(Ident),
    /// In two places at once; the second word.
    Both(Ident),
}

pub(crate) struct Argument<'a> {
    pub(crate) input: &'a PatType,
    pub(crate) name: Ident,
    pub(crate) ty: &'a Type,
    pub(crate) passing: Passing<'a>,
}

/// How an argument is decoded at one end and taken at the other.
#[derive(Clone, Copy)]
pub(crate) enum Passing<'a> {
    /// As the type that was written.
    Owned,
    /// `String`: a proxy takes `&str` too.
    Text,
    /// `&str`.
    Str,
    /// `&[u8]`.
    Bytes,
    /// Item by item, after the call.
    Upload(Upload<'a>),
    /// A `Context` that is not where it has to be.
    Context,
}

/// `Upload<T>`, or `Upload<T, E>` where items can fail.
#[derive(Clone, Copy)]
pub(crate) struct Upload<'a> {
    pub(crate) item: &'a Type,
    pub(crate) error: Option<&'a Type>,
}

impl<'a> Service<'a> {
    pub(crate) fn new(item: &'a Trait, args: &'a Args, errors: &mut Errors) -> Self {
        Self {
            item,
            supertraits: item.supertraits.iter().collect(),
            contract: Contract {
                name: &item.ident,
                vis: item.vis.clone(),
                generics: &item.generics,
                channel: args.channel.as_ref(),
                krate: &args.krate,
                methods: methods(&item.members, args.rename_all, errors),
            },
        }
    }
}

impl Service<'_> {
    /// Not with what the checks refuse: an error about `dyn` would only hide the true one.
    pub(crate) fn can_be_dyn(&self) -> bool {
        let mut members = self.item.members.iter();
        members.all(|member| !matches!(member, Member::Const(_) | Member::Type(_)))
    }
}

impl<'a> TraitImpl<'a> {
    pub(crate) fn new(item: &'a Impl, implemented: &'a ImplementedTrait, args: &'a Args) -> Self {
        Self { item, trait_path: &implemented.path, channel: args.channel.as_ref(), krate: &args.krate }
    }
}

impl<'a> PlainImpl<'a> {
    /// Nothing when the type has no name for a proxy to follow.
    pub(crate) fn new(item: &'a Impl, args: &'a Args, errors: &mut Errors) -> Option<Self> {
        let contract = Contract {
            name: &last_segment(&item.self_ty)?.ident,
            vis: widest_visibility(&item.members),
            generics: &item.generics,
            channel: args.channel.as_ref(),
            krate: &args.krate,
            methods: methods(&item.members, args.rename_all, errors),
        };
        Some(Self { item, contract })
    }
}

impl PlainImpl<'_> {
    /// What stands behind the type's name: its handlers cannot be registered.
    pub(crate) fn type_arguments(&self) -> Option<&PathArguments> {
        last_segment(&self.item.self_ty).map(|segment| &segment.arguments).filter(|arguments| !arguments.is_none())
    }
}

impl Contract<'_> {
    pub(crate) fn proxy(&self) -> Ident {
        quote::format_ident!("{}Proxy", self.name)
    }

    /// Not those that the checks took out.
    pub(crate) fn holds(&self, function: &Function) -> bool {
        let mut methods = self.methods.iter();
        methods.any(|method| ptr::eq(method.function, function))
    }
}

impl<'a> Method<'a> {
    fn new(function: &'a Function, rule: RenameRule, errors: &mut Errors) -> Self {
        let attr = MethodAttr::read(&function.ws, errors);
        let mut context = None;
        let mut arguments = Vec::new();
        for (input, ws) in function.sig.inputs.iter().zip(&function.input_ws) {
            let FnArg::Typed(input) = input else { continue };
            let attr = ArgumentAttr::read(ws, errors);
            let is_context = attr.context.is_some() || is_named(&input.ty, "Context");
            if is_context && arguments.is_empty() && context.is_none() {
                context = Some(input);
            } else {
                let passing = if is_context { Passing::Context } else { Passing::of(&input.ty) };
                arguments.push(Argument::new(input, passing, arguments.len()));
            }
        }
        Self {
            function,
            name: &function.sig.ident,
            wire_name: WireName::of_method(&function.sig.ident, attr.name.as_ref(), rule),
            kind: match attr.event {
                Some(_) => Kind::Event,
                None => Kind::Request,
            },
            execution: Execution::new(attr.blocking, attr.spawn),
            context,
            arguments,
            output: Output::new(&function.sig),
            on_full: attr.on_full,
        }
    }

    /// The attributes of that name.
    pub(crate) fn attrs(&self, name: &str) -> impl Iterator<Item = &'a Attribute> {
        let attrs = self.function.attrs.iter();
        attrs.filter(move |attr| attr.path().is_ident(name))
    }

    /// Those that the call itself brings.
    pub(crate) fn sent_arguments(&self) -> impl Iterator<Item = &Argument<'a>> {
        self.arguments.iter().filter(|argument| argument.upload().is_none())
    }

    pub(crate) fn upload(&self) -> Option<(&Argument<'a>, Upload<'a>)> {
        self.arguments.iter().find_map(|argument| Some((argument, argument.upload()?)))
    }

    pub(crate) fn is_async(&self) -> bool {
        self.function.sig.asyncness.is_some()
    }
}

impl Execution {
    fn new(blocking: Option<Ident>, spawn: Option<Ident>) -> Self {
        match (blocking, spawn) {
            (None, None) => Self::InPlace,
            (Some(blocking), None) => Self::Blocking(blocking),
            (None, Some(spawn)) => Self::Spawned(spawn),
            (Some(_), Some(spawn)) => Self::Both(spawn),
        }
    }

    pub(crate) fn word(&self) -> Option<&Ident> {
        match self {
            Self::InPlace => None,
            Self::Blocking(word) | Self::Spawned(word) | Self::Both(word) => Some(word),
        }
    }
}

impl<'a> Argument<'a> {
    fn new(input: &'a PatType, passing: Passing<'a>, at: usize) -> Self {
        let name = match &*input.pat {
            Pat::Ident(pat) => pat.ident.clone(),
            // Reported by the check of patterns.
            other => quote::format_ident!("argument_{at}", span = other.span()),
        };
        Self { input, name, ty: &input.ty, passing }
    }

    pub(crate) fn upload(&self) -> Option<Upload<'a>> {
        match self.passing {
            Passing::Upload(upload) => Some(upload),
            _ => None,
        }
    }
}

impl<'a> Passing<'a> {
    fn of(ty: &'a Type) -> Self {
        match through_groups(ty) {
            Type::Reference(reference) if reference.mutability.is_none() => match through_groups(&reference.elem) {
                Type::Slice(slice) if is_named(&slice.elem, "u8") => Self::Bytes,
                elem if is_named(elem, "str") => Self::Str,
                _ => Self::Owned,
            },
            ty if is_plain_string(ty) => Self::Text,
            ty => Upload::of(ty).map_or(Self::Owned, Self::Upload),
        }
    }
}

impl<'a> Upload<'a> {
    fn of(ty: &'a Type) -> Option<Self> {
        match type_arguments(last_segment(ty).filter(|segment| segment.ident == "Upload")?)[..] {
            [item] => Some(Self { item, error: None }),
            // Of more rustc speaks.
            [item, error, ..] => Some(Self { item, error: Some(error) }),
            [] => None,
        }
    }
}

fn methods<'a>(members: &'a [Member], rule: RenameRule, errors: &mut Errors) -> Vec<Method<'a>> {
    members
        .iter()
        .filter_map(|member| match member {
            Member::Function(function) => Some(Method::new(function, rule, errors)),
            _ => None,
        })
        .collect()
}

/// The proxy of a plain `impl` is as public as the most public handler.
fn widest_visibility(members: &[Member]) -> Visibility {
    let is_public = members.iter().any(|member| match member {
        Member::Function(function) => matches!(function.vis, Visibility::Public(_)),
        _ => false,
    });
    if is_public { syn::parse_quote!(pub) } else { syn::parse_quote!(pub(crate)) }
}

fn is_plain_string(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == "String" && segment.arguments.is_none())
}
