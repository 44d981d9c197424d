use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::Ident;

use super::contract::channel;
use super::hygiene::{Private, local, respanned, target};
use super::return_doc::return_doc;
use super::returned_call::ReturnedCall;
use crate::model::{Argument, ArgumentKind, Contract, Method, Parameter, Upload};

/// The struct that calls a contract's methods.
pub(super) fn proxy(contract: &Contract<'_>) -> TokenStream {
    let private = Private(contract.krate);
    let Contract { name, vis, .. } = contract;
    let proxy = contract.proxy();
    let target = target(contract);
    let new = new(contract, &target);
    let calls: Vec<_> =
        contract.methods.iter().map(|method| (method, ReturnedCall::of(method, &target, private))).collect();
    let methods = calls.iter().map(|(method, call)| proxy_method(method, call, contract));
    let checks = calls.iter().filter_map(|(method, call)| {
        let (cfgs, check) = (method.attrs("cfg"), call.check.as_ref()?);
        Some(quote!(#(#cfgs)* #check))
    });
    let doc_text = format!(" Calls [`{name}`] on the remote endpoint.");
    let on_anonymous_channel = contract.parameters.is_empty().then(|| {
        quote! {
            impl #private::FromResponse for #proxy<#private::AnonymousChannel> {
                const KIND: #private::ResponseKind = #private::ResponseKind::Channel;

                fn from_response(
                    response: #private::ReceivedResponse<'_>,
                ) -> #private::Result<Self, #private::JsonError> {
                    #private::Ok(Self { to: #private::proxy_on_channel(response)? })
                }
            }

            impl #private::OnChannel for #proxy<#private::AnonymousChannel> {}
        }
    });
    quote! {
        #[doc = #doc_text]
        ///
        /// A method sends nothing until its future is awaited. Dropping the future of a request
        /// cancels the request.
        #[derive(#private::Clone, #private::Debug)]
        #[must_use = "a proxy sends nothing before one of its methods is called"]
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
            unused_lifetimes,
            clippy::pedantic,
            clippy::type_complexity
        )]
        impl<#target: #private::Target> #proxy<#target> {
            #new

            #(#methods)*
        }

        #on_anonymous_channel

        #(#checks)*
    }
}

/// The function that makes a proxy. It takes the values of the channel's parameters.
fn new(contract: &Contract<'_>, target: &Ident) -> TokenStream {
    let private = Private(contract.krate);
    let Contract { name, vis, parameters, .. } = contract;
    let to = local("to");
    let channel = channel(private, contract.channel);
    let pattern = match contract.channel {
        Some(channel) if !parameters.is_empty() => &channel.name,
        _ => {
            let doc = format!(
                " Makes a proxy that calls [`{name}`] through `to`: a client, a peer, a channel or \
                 another target."
            );
            return quote! {
                #[doc = #doc]
                #vis fn new(#to: impl #private::IntoTarget<Target = #target>) -> Self {
                    Self { to: #private::Proxy::new(#to, #channel) }
                }
            };
        }
    };
    let doc = format!(
        " Makes a proxy that calls [`{name}`] on the channel `{}` through `to`: a client, a peer or a \
         broadcast.",
        pattern.value()
    );
    let arguments = parameters.iter().map(|parameter| channel_argument(parameter, private));
    let values = parameters.iter().map(|parameter| channel_value(parameter, private));
    let bounds = parameters.iter().filter_map(|parameter| {
        let ty = parameter.ty.filter(|ty| ArgumentKind::of(ty).is_owned())?;
        Some(quote!(for<'__x> #ty: #private::ChannelParameter))
    });
    quote! {
        #[doc = #doc]
        #vis fn new(#to: impl #private::IntoTarget<Target = #target>, #(#arguments),*) -> Self
        where
            #target: #private::UnnamedTarget,
            #(#bounds,)*
        {
            Self { to: #private::Proxy::with_parameters(#to, #pattern, &[#(#values),*]) }
        }
    }
}

fn channel_argument(parameter: &Parameter<'_>, private: Private<'_>) -> TokenStream {
    let name = parameter_name(parameter);
    match parameter.ty {
        Some(ty) if ArgumentKind::of(ty).is_owned() => quote!(#name: #ty),
        Some(_) => quote!(#name: impl #private::AsRef<str>),
        // The checks report that no method takes it.
        None => quote!(#name: impl #private::Debug),
    }
}

fn channel_value(parameter: &Parameter<'_>, private: Private<'_>) -> TokenStream {
    let name = parameter_name(parameter);
    match parameter.ty {
        Some(ty) if ArgumentKind::of(ty).is_owned() => quote!(#private::channel_value(&#name)),
        Some(_) => quote!(&#private::AsRef::<str>::as_ref(&#name)),
        None => quote!(&""),
    }
}

fn parameter_name(parameter: &Parameter<'_>) -> Ident {
    syn::parse_str(&parameter.name).unwrap_or_else(|_| Ident::new_raw(&parameter.name, Span::call_site()))
}

fn proxy_method(method: &Method<'_>, returned_call: &ReturnedCall, contract: &Contract<'_>) -> TokenStream {
    let private = Private(contract.krate);
    let Method { name, .. } = method;
    let attrs = ["cfg", "doc", "deprecated"].into_iter().flat_map(|name| method.attrs(name));
    let doc_text = method.attrs("doc").next().is_none().then(|| {
        let doc_text = format!(" Calls `{}::{name}`.", contract.name);
        quote!(#[doc = #doc_text])
    });
    let return_doc = return_doc(method);
    let parameters = method.given_arguments().map(|argument| parameter(argument, private));
    let encodable = method.given_arguments().filter_map(|argument| encodable(argument, private));
    let ReturnedCall { returned, bounds, send, .. } = returned_call;

    let call = local("call");
    let is_written = method.sent_arguments().next().is_some();
    let binding = if is_written { quote!(mut #call) } else { quote!(#call) };
    let wire_name = &method.wire_name.text;
    let arguments = method.sent_arguments().map(|argument| {
        let sent_value = sent_value(argument, private);
        quote!(#call.argument(#sent_value);)
    });
    let receiver = quote!(&self);
    let body = quote! {
        let #binding = self.to.call(#wire_name);
        #(#arguments)*
        #call.#send
    };
    // rustc reports a type that it cannot resolve at the whole signature, so all tokens have the span of that type.
    let span = returned_call.span;
    let vis = respanned(contract.vis.to_token_stream(), span);
    let signature = quote_spanned! {span=>
        #vis fn #name(#receiver, #(#parameters),*) -> #returned
        where
            #(#encodable,)*
            #bounds
        { #body }
    };
    quote! {
        #(#attrs)*
        #doc_text
        #[doc = ""]
        #[doc = #return_doc]
        #signature
    }
}

/// The bound that an argument can be encoded.
///
/// `for<'__x>` delays the check of a concrete type until the method is called, because a server may use types that it
/// only decodes.
fn encodable(argument: &Argument<'_>, private: Private<'_>) -> Option<TokenStream> {
    let ty = argument.ty;
    match argument.kind {
        ArgumentKind::Owned => Some(quote!(for<'__x> #ty: #private::Encode)),
        ArgumentKind::Upload(Upload { item, error }) => {
            let errors = error.map(|error| quote!(, for<'__x> #error: #private::WsError));
            Some(quote!(for<'__x> #item: #private::Encode #errors))
        }
        _ => None,
    }
}

fn parameter(argument: &Argument<'_>, private: Private<'_>) -> TokenStream {
    let Argument { name, ty, .. } = argument;
    match argument.kind {
        ArgumentKind::Text => quote!(#name: impl #private::Text<#ty>),
        ArgumentKind::Upload(Upload { item, error }) => {
            let item = error.map_or_else(|| quote!(#item), |error| quote!(#private::Result<#item, #error>));
            quote!(#name: impl #private::Stream<Item = #item> + #private::Send + 'static)
        }
        _ => quote!(#name: #ty),
    }
}

fn sent_value(argument: &Argument<'_>, private: Private<'_>) -> TokenStream {
    let name = &argument.name;
    match argument.kind {
        ArgumentKind::Str => quote!(#name),
        ArgumentKind::Bytes => quote!(&#private::Base64Slice(#name)),
        _ => quote!(&#name),
    }
}
