use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{FnArg, Generics, Ident, Pat, ReturnType, Signature};

use super::contract::contract;
use super::hygiene::{Private, local};
use super::proxy::proxy;
use super::shim::shims;
use crate::model::Service;
use crate::parse::{Body, Function, Member, Trait};
use crate::tokens;

/// The trait with its registration, the contract, and the proxy.
pub(crate) fn service(service: &Service<'_>) -> TokenStream {
    let declaration = declaration(service);
    let proxy = proxy(&service.contract);
    let contract = service.is_dyn_compatible().then(|| {
        let name = service.contract.name;
        let (_, type_generics, _) = service.contract.generics.split_for_impl();
        contract(&service.contract, &quote!(dyn #name #type_generics + '_))
    });
    quote! {
        #declaration
        #contract
        #proxy
    }
}

fn declaration(service: &Service<'_>) -> TokenStream {
    let Trait { attrs, vis, unsafety, keyword, ident, generics, colon_token, inner_attrs, members, .. } = service.item;
    let private = Private(service.contract.krate);
    let supertraits = &service.supertraits;
    let where_clause = &generics.where_clause;
    let members = members.iter().map(|member| match member {
        Member::Function(function) if service.contract.holds(function) => valid_method(function, private),
        Member::Function(function) => invalid_method(function, private),
        other => other.to_token_stream(),
    });
    let registration = registration(service);
    // A crate that only uses the proxy never calls the trait's methods.
    quote! {
        #(#attrs)*
        #[allow(dead_code)]
        #vis #unsafety #keyword #ident #generics #colon_token #(#supertraits)+* #where_clause {
            #(#inner_attrs)*
            #(#members)*
            #registration
        }
    }
}

/// Has `where Self: Sized`, which keeps the trait dyn-compatible.
fn valid_method(function: &Function, private: Private<'_>) -> TokenStream {
    let Function { attrs, vis, sig, body, .. } = function;
    let Signature { abi, fn_token, ident, generics, inputs, output, .. } = sig;
    let bounds = bounds(generics, private);
    if sig.asyncness.is_none() {
        return quote! {
            #(#attrs)*
            #vis #abi #fn_token #ident #generics (#inputs) #output #bounds #body
        };
    }
    let future = match output {
        ReturnType::Default => quote!(impl #private::Future<Output = ()> + #private::Send),
        ReturnType::Type(_, ty) => quote_spanned! {tokens::first_span(ty)=>
            impl #private::Future<Output = #ty> + #private::Send
        },
    };
    let declared = quote!(#vis #abi #fn_token #ident #generics (#inputs) -> #future);
    match body {
        Body::None(semicolon) => quote!(#(#attrs)* #declared #bounds #semicolon),
        // The future holds `&self` or `Arc<Self>`, so it is `Send` only if `Self` is `Sync` and `Send`.
        Body::Block(block) => quote! {
            #(#attrs)*
            #[allow(clippy::manual_async_fn)]
            #declared #bounds, Self: #private::Send + #private::Sync { async move #block }
        },
    }
}

/// A method with errors. It stays in the trait, so that its implementors and callers get no second error.
fn invalid_method(function: &Function, private: Private<'_>) -> TokenStream {
    let Function { attrs, vis, sig, body, .. } = function;
    let bounds = bounds(&sig.generics, private);
    let mut sig = sig.clone();
    sig.generics.where_clause = None;
    if let Body::None(_) = body {
        for input in &mut sig.inputs {
            hide_pattern(input);
        }
    }
    quote! {
        #(#attrs)*
        #[allow(async_fn_in_trait)]
        #vis #sig #bounds #body
    }
}

/// Replaces a pattern by `_`, because rustc would report a pattern in a method without a body.
fn hide_pattern(input: &mut FnArg) {
    if let FnArg::Typed(argument) = input
        && !matches!(*argument.pat, Pat::Ident(_))
    {
        *argument.pat = Pat::Verbatim(quote!(_));
    }
}

fn bounds(generics: &Generics, private: Private<'_>) -> TokenStream {
    let own = generics.where_clause.iter().flat_map(|own| &own.predicates);
    quote!(where #(#own,)* Self: #private::Sized)
}

/// The hidden method that registers all handlers. If `#[ws_service]` is missing, rustc reports that this method does
/// not exist, so its name says what to add.
fn registration(service: &Service<'_>) -> TokenStream {
    let private = Private(service.contract.krate);
    let Trait { ident, generics, .. } = service.item;
    let (_, type_generics, _) = generics.split_for_impl();
    let registry = local("methods");
    let (shims, is_served) = if service.client {
        (None, Some(quote!(, Self: #private::ServesClientContract)))
    } else {
        (Some(shims(&service.contract, &quote!(<Self as #ident #type_generics>), &registry)), None)
    };
    let name = registration_name(proc_macro2::Span::call_site());
    quote! {
        #[doc(hidden)]
        #[allow(deprecated, unused_variables, clippy::used_underscore_binding)]
        fn #name(#registry: &mut #private::Methods<Self>)
        where
            Self: #private::Sized + #private::Send + #private::Sync + 'static #is_served
        {
            #shims
        }
    }
}

pub(super) fn registration_name(span: proc_macro2::Span) -> Ident {
    Ident::new("__add_ws_service_above_this_trait", span)
}
