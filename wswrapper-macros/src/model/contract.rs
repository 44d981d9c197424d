use std::ptr;

use syn::{ExprPath, Generics, Ident, Path, PathArguments, Type, TypeParamBound, Visibility};

use super::method::Method;
use crate::attr::{Channel, ContractAttr, is_skipped};
use crate::errors::Errors;
use crate::parse::{Function, Impl, ImplementedTrait, Member, Trait};
use crate::text;
use crate::types::last_segment;

/// A trait that describes a service.
pub(crate) struct Service<'a> {
    pub(crate) item: &'a Trait,
    pub(crate) supertraits: Vec<&'a TypeParamBound>,
    /// True if nobody serves the contract in Rust, so that it has no handlers to register.
    pub(crate) client: bool,
    pub(crate) contract: Contract<'a>,
}

/// An `impl` of a trait that describes a service.
pub(crate) struct TraitImpl<'a> {
    pub(crate) item: &'a Impl,
    pub(crate) trait_path: &'a Path,
    pub(crate) channel: Option<&'a Channel>,
    pub(crate) krate: &'a Path,
}

/// A plain `impl` block that is its own contract.
pub(crate) struct PlainImpl<'a> {
    pub(crate) item: &'a Impl,
    pub(crate) contract: Contract<'a>,
}

/// The methods and the channel that the serving and the calling side share.
pub(crate) struct Contract<'a> {
    /// The trait's name, or the type's.
    pub(crate) name: &'a Ident,
    pub(crate) vis: Visibility,
    /// Not empty only if the user made a mistake: the checks report it.
    pub(crate) generics: &'a Generics,
    pub(crate) channel: Option<&'a Channel>,
    /// The parameters of the channel, in their order.
    pub(crate) parameters: Vec<Parameter<'a>>,
    pub(crate) krate: &'a Path,
    /// The guards of all methods, which are asked before the methods' own.
    pub(crate) guards: &'a [ExprPath],
    pub(crate) methods: Vec<Method<'a>>,
}

/// A parameter of the channel.
pub(crate) struct Parameter<'a> {
    pub(crate) name: String,
    /// The type that the methods have written. `None` before the checks, and if no method takes the parameter.
    pub(crate) ty: Option<&'a Type>,
    /// True if a method takes it, perhaps wrongly.
    pub(crate) is_taken: bool,
}

impl<'a> Service<'a> {
    pub(crate) fn new(item: &'a Trait, attr: &'a ContractAttr, errors: &mut Errors) -> Self {
        Self {
            item,
            supertraits: item.supertraits.iter().collect(),
            client: attr.client,
            contract: Contract {
                name: &item.ident,
                vis: item.vis.clone(),
                generics: &item.generics,
                channel: attr.channel.as_ref(),
                parameters: parameters(attr),
                krate: &attr.krate,
                guards: &attr.guards,
                methods: methods(&item.members, attr, errors),
            },
        }
    }
}

impl Service<'_> {
    /// Returns false if the trait has associated types or consts. The checks report them, and a second error about
    /// `dyn` would hide the first.
    pub(crate) fn is_dyn_compatible(&self) -> bool {
        let mut members = self.item.members.iter();
        members.all(|member| !matches!(member, Member::Const(_) | Member::Type(_)))
    }
}

impl<'a> TraitImpl<'a> {
    pub(crate) fn new(item: &'a Impl, implemented: &'a ImplementedTrait, attr: &'a ContractAttr) -> Self {
        Self { item, trait_path: &implemented.path, channel: attr.channel.as_ref(), krate: &attr.krate }
    }
}

impl<'a> PlainImpl<'a> {
    /// Returns `None` if the type has no name from which the proxy's name can be made.
    pub(crate) fn new(item: &'a Impl, attr: &'a ContractAttr, errors: &mut Errors) -> Option<Self> {
        let contract = Contract {
            name: &last_segment(&item.self_ty)?.ident,
            // A proxy that is less visible than its type is an error of rustc, and a macro does not see the type.
            vis: syn::parse_quote!(pub),
            generics: &item.generics,
            channel: attr.channel.as_ref(),
            parameters: parameters(attr),
            krate: &attr.krate,
            guards: &attr.guards,
            methods: handlers(&item.members, attr, errors),
        };
        Some(Self { item, contract })
    }
}

impl PlainImpl<'_> {
    /// The generic arguments of the type. Handlers of such a type cannot be registered.
    pub(crate) fn type_arguments(&self) -> Option<&PathArguments> {
        last_segment(&self.item.self_ty).map(|segment| &segment.arguments).filter(|arguments| !arguments.is_none())
    }
}

impl Contract<'_> {
    pub(crate) fn proxy(&self) -> Ident {
        quote::format_ident!("{}Proxy", self.name)
    }

    /// Returns true if the checks have left this function in the contract.
    pub(crate) fn holds(&self, function: &Function) -> bool {
        let mut methods = self.methods.iter();
        methods.any(|method| ptr::eq(method.function, function))
    }
}

fn parameters<'a>(attr: &ContractAttr) -> Vec<Parameter<'a>> {
    let names = attr.channel.iter().flat_map(|channel| &channel.parameters);
    names.map(|name| Parameter { name: name.clone(), ty: None, is_taken: false }).collect()
}

/// The functions of a plain `impl` that are handlers: those that are `pub` or have a `#[ws(..)]` attribute other than
/// `skip`. Any other function is an error, so that nothing is served, and nothing left out, by accident.
fn handlers<'a>(members: &'a [Member], attr: &ContractAttr, errors: &mut Errors) -> Vec<Method<'a>> {
    members
        .iter()
        .filter_map(|member| match member {
            Member::Function(function) if is_skipped(&function.ws_attrs) => None,
            Member::Function(function) if is_marked(function) => Some(Method::new(function, attr, errors)),
            Member::Function(function) => {
                errors.push(&function.sig.ident, text::UNMARKED_FUNCTION);
                None
            }
            _ => None,
        })
        .collect()
}

/// Returns true if a function of a plain `impl` is marked as a handler.
fn is_marked(function: &Function) -> bool {
    matches!(function.vis, Visibility::Public(_)) || !function.ws_attrs.is_empty()
}

fn methods<'a>(members: &'a [Member], attr: &ContractAttr, errors: &mut Errors) -> Vec<Method<'a>> {
    members
        .iter()
        .filter_map(|member| match member {
            Member::Function(function) => Some(Method::new(function, attr, errors)),
            _ => None,
        })
        .collect()
}
