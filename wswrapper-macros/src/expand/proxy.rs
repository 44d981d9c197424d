use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Ident;

use super::contract::channel;
use super::{Private, local};
use crate::model::{Argument, Contract, Kind, Method, Passing};
use crate::tokens;

/// The typed caller of a contract.
pub(super) fn proxy(contract: &Contract<'_>) -> TokenStream {
    let private = Private(contract.krate);
    let Contract { name, vis, .. } = contract;
    let proxy = contract.proxy();
    let target = target(contract);
    let channel = channel(private, contract.channel);
    let to = local("to");
    let methods = contract.methods.iter().map(|method| proxy_method(method, contract, &target));
    let about = format!(" Calls [`{name}`] at the other end of a connection.");
    let about_new = format!(
        " Calls [`{name}`] through `to`: a client, a peer, a channel, or whatever else leads to \
         another end."
    );
    quote! {
        #[doc = #about]
        ///
        /// Nothing is sent before the future that a method returns is awaited; dropping the
        /// future of a request cancels the request.
        #[derive(#private::Clone, #private::Debug)]
        #[allow(dead_code, unnameable_types, unreachable_pub)]
        #vis struct #proxy<#target = #private::Peer> {
            to: #private::Proxy<#target>,
        }

        #[allow(
            dead_code,
            deprecated,
            private_bounds,
            private_interfaces,
            unreachable_pub,
            clippy::used_underscore_binding
        )]
        impl<#target: #private::Target> #proxy<#target> {
            #[doc = #about_new]
            #vis fn new(#to: impl #private::IntoTarget<Target = #target>) -> Self {
                Self { to: #private::Proxy::new(#to, #channel) }
            }

            #(#methods)*
        }
    }
}

fn proxy_method(method: &Method<'_>, contract: &Contract<'_>, target: &Ident) -> TokenStream {
    let private = Private(contract.krate);
    let Contract { vis, .. } = contract;
    let Method { name, .. } = method;
    let attrs = ["cfg", "doc", "deprecated"].into_iter().flat_map(|name| method.attrs(name));
    let about = method.attrs("doc").next().is_none().then(|| {
        let about = format!(" Calls `{}::{name}`.", contract.name);
        quote!(#[doc = #about])
    });
    let arguments = &method.arguments;
    let parameters = arguments.iter().map(|argument| parameter(argument, private));
    let encodable = arguments.iter().filter_map(|argument| encodable(argument, private));
    let Answer { returned, bounds, send } = match method.kind {
        Kind::Event => Answer::of_event(target, private),
        Kind::Request => Answer::of_request(method, target, private),
    };

    let call = local("call");
    let binding = if arguments.is_empty() { quote!(#call) } else { quote!(mut #call) };
    let wire_name = &method.wire_name.text;
    let arguments = arguments.iter().map(|argument| {
        let passed = passed(argument, private);
        quote!(#call.argument(#passed);)
    });
    quote! {
        #(#attrs)*
        #about
        #vis fn #name(&self, #(#parameters),*) -> #returned
        where
            #(#encodable,)*
            #bounds
        {
            let #binding = self.to.call(#wire_name);
            #(#arguments)*
            #call.#send()
        }
    }
}

/// The proxy's type parameter, which must not hide a type of that name.
fn target(contract: &Contract<'_>) -> Ident {
    let is_taken = contract.methods.iter().any(|method| {
        let types = method.arguments.iter().map(|argument| argument.ty);
        types.chain(method.output.ty).any(|ty| tokens::contain(ty, "T"))
    });
    let name = if is_taken { "__T" } else { "T" };
    Ident::new(name, Span::call_site())
}

/// What a proxy's method gives back, and what has to hold for that.
struct Answer {
    returned: TokenStream,
    bounds: TokenStream,
    send: Ident,
}

impl Answer {
    fn of_event(target: &Ident, private: Private<'_>) -> Self {
        Self { returned: quote!(<#target as #private::Target>::Emit), bounds: TokenStream::new(), send: local("emit") }
    }

    fn of_request(method: &Method<'_>, target: &Ident, private: Private<'_>) -> Self {
        let returns = method.output.ty.map_or_else(
            || quote!(<() as #private::Returns<false>>),
            |ty| {
                quote_spanned! {tokens::first_span(ty)=>
                    <#ty as #private::Returns<{ #private::returns_result!(#ty) }>>
                }
            },
        );
        Self {
            returned: quote!(#private::Call<#returns::Ok, #returns::Err>),
            bounds: quote! {
                #target: #private::Caller,
                for<'__x> #returns::Ok: #private::Decode,
            },
            send: local("request"),
        }
    }
}

/// `for<'__x>` makes a bound on a concrete type wait for a caller: a type that only ever
/// travels the other way must not break the definition.
fn encodable(argument: &Argument<'_>, private: Private<'_>) -> Option<TokenStream> {
    let ty = argument.ty;
    (argument.passing == Passing::Owned).then(|| quote!(for<'__x> #ty: #private::Encode))
}

fn parameter(argument: &Argument<'_>, private: Private<'_>) -> TokenStream {
    let Argument { name, ty, .. } = argument;
    if argument.passing == Passing::Text { quote!(#name: impl #private::Text<#ty>) } else { quote!(#name: #ty) }
}

fn passed(argument: &Argument<'_>, private: Private<'_>) -> TokenStream {
    let name = &argument.name;
    match argument.passing {
        Passing::Str => quote!(#name),
        Passing::Bytes => quote!(&#private::Base64(#name)),
        _ => quote!(&#name),
    }
}
