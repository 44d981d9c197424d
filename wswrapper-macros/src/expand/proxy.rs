use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, Type};

use super::contract::channel;
use super::gives::gives;
use super::{Private, local, written_at};
use crate::model::{Argument, Contract, Kind, Method, Passing, StreamOutput, Upload};
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
    let gives = gives(method);
    let arguments = &method.arguments;
    let parameters = arguments.iter().map(|argument| parameter(argument, private));
    let encodable = arguments.iter().filter_map(|argument| encodable(argument, private));
    let Answer { returned, bounds, send } = Answer::of(method, target, private);

    let call = local("call");
    let is_written = method.sent_arguments().next().is_some();
    let binding = if is_written { quote!(mut #call) } else { quote!(#call) };
    let wire_name = &method.wire_name.text;
    let arguments = method.sent_arguments().map(|argument| {
        let passed = passed(argument, private);
        quote!(#call.argument(#passed);)
    });
    quote! {
        #(#attrs)*
        #about
        #[doc = ""]
        #[doc = #gives]
        #vis fn #name(&self, #(#parameters),*) -> #returned
        where
            #(#encodable,)*
            #bounds
        {
            let #binding = self.to.call(#wire_name);
            #(#arguments)*
            #call.#send
        }
    }
}

/// The proxy's type parameter, which must not hide a type of that name.
pub(super) fn target(contract: &Contract<'_>) -> Ident {
    let is_taken = tokens::contain(contract.generics, "T")
        || contract.methods.iter().any(|method| {
            let types = method.arguments.iter().map(|argument| argument.ty);
            types.chain(method.output.ty).any(|ty| tokens::contain(ty, "T"))
        });
    let name = if is_taken { "__T" } else { "T" };
    Ident::new(name, Span::call_site())
}

/// What a proxy's method gives back, what has to hold for that, and the call that makes it.
struct Answer {
    returned: TokenStream,
    bounds: TokenStream,
    send: TokenStream,
}

impl Answer {
    fn of(method: &Method<'_>, target: &Ident, private: Private<'_>) -> Self {
        match (method.kind, method.upload(), &method.output.stream) {
            (Kind::Event, ..) => Self::of_event(target, private),
            (Kind::Request, Some((argument, upload)), _) => {
                Self::of_upload(method, &argument.name, upload, target, private)
            }
            (Kind::Request, None, Some(stream)) => Self::of_stream(stream, target, private),
            (Kind::Request, None, None) => Self::of_request(method, target, private),
        }
    }

    fn of_event(target: &Ident, private: Private<'_>) -> Self {
        Self { returned: quote!(<#target as #private::Target>::Emit), bounds: TokenStream::new(), send: quote!(emit()) }
    }

    fn of_request(method: &Method<'_>, target: &Ident, private: Private<'_>) -> Self {
        let returns = returns(method.output.ty, private);
        let reply = method.output.scoped.map_or_else(
            || quote!(for<'__x> #returns::Ok: #private::Reply),
            // This one is checked here too, since nothing else at the end that serves says that the trait is no service.
            |contract| {
                let is_contract = written_at(quote!(: #private::Contract), tokens::first_span(contract));
                quote!(#contract #is_contract)
            },
        );
        Self {
            returned: quote!(#private::Call<#returns::Ok, #returns::Err>),
            bounds: quote! {
                #target: #private::Caller,
                #reply,
            },
            send: quote!(request()),
        }
    }

    fn of_stream(stream: &StreamOutput<'_>, target: &Ident, private: Private<'_>) -> Self {
        let item = returns(Some(stream.item), private);
        let streaming = quote!(#private::Streaming<#item::Ok, #item::Err>);
        let mut bounds = quote! {
            #target: #private::Caller,
            for<'__x> #item::Ok: #private::Decode,
        };
        let returned = match stream.result_of(Type::Verbatim(streaming.clone())) {
            None => {
                let nothing = returns(None, private);
                quote!(#private::Call<#streaming, #nothing::Err>)
            }
            Some(result) => {
                let returns = returns(Some(&result), private);
                bounds.extend(quote!(for<'__x> #returns::Ok: #private::Reply,));
                quote!(#private::Call<#returns::Ok, #returns::Err>)
            }
        };
        Self { returned, bounds, send: quote!(request()) }
    }

    fn of_upload(method: &Method<'_>, name: &Ident, upload: Upload<'_>, target: &Ident, private: Private<'_>) -> Self {
        let returns = returns(method.output.ty, private);
        let source = if upload.error.is_some() { quote!(results) } else { quote!(items) };
        Self {
            returned: quote!(#private::UploadCall<#returns::Ok, #returns::Err>),
            bounds: quote! {
                #target: #private::Caller,
                for<'__x> #returns::Ok: #private::Decode,
            },
            send: quote!(upload(#private::Source::#source(#name))),
        }
    }
}

/// What tells `Ok` and `Err` of a type.
fn returns(ty: Option<&Type>, private: Private<'_>) -> TokenStream {
    ty.map_or_else(
        || quote!(<() as #private::Returns<false>>),
        |ty| {
            quote_spanned! {tokens::first_span(ty)=>
                <#ty as #private::Returns<{ #private::returns_result!(#ty) }>>
            }
        },
    )
}

/// `for<'__x>` makes a bound on a concrete type wait for a caller: a type that only ever
/// travels the other way must not break the definition.
fn encodable(argument: &Argument<'_>, private: Private<'_>) -> Option<TokenStream> {
    let ty = argument.ty;
    match argument.passing {
        Passing::Owned => Some(quote!(for<'__x> #ty: #private::Encode)),
        Passing::Upload(Upload { item, error }) => {
            let errors = error.map(|error| quote!(, for<'__x> #error: #private::WsError));
            Some(quote!(for<'__x> #item: #private::Encode #errors))
        }
        _ => None,
    }
}

fn parameter(argument: &Argument<'_>, private: Private<'_>) -> TokenStream {
    let Argument { name, ty, .. } = argument;
    match argument.passing {
        Passing::Text => quote!(#name: impl #private::Text<#ty>),
        Passing::Upload(Upload { item, error }) => {
            let item = error.map_or_else(|| quote!(#item), |error| quote!(#private::Result<#item, #error>));
            quote!(#name: impl #private::Stream<Item = #item> + #private::Send + 'static)
        }
        _ => quote!(#name: #ty),
    }
}

fn passed(argument: &Argument<'_>, private: Private<'_>) -> TokenStream {
    let name = &argument.name;
    match argument.passing {
        Passing::Str => quote!(#name),
        Passing::Bytes => quote!(&#private::Base64(#name)),
        _ => quote!(&#name),
    }
}
