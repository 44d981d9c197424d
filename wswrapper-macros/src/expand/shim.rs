use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Ident, Type};

use super::{Private, local, written_at};
use crate::model::{Argument, Contract, Execution, Kind, Method, Passing};
use crate::tokens;

/// One registration a method: names and types, the rest is in the runtime crate.
///
/// `owner` is what the methods are called on: `<Self as Calc>`, or `Self`.
pub(super) fn shims(contract: &Contract<'_>, owner: &impl ToTokens, registry: &Ident) -> TokenStream {
    let private = Private(contract.krate);
    contract.methods.iter().map(|method| shim(method, private, owner, registry)).collect()
}

fn shim(method: &Method<'_>, private: Private<'_>, owner: &impl ToTokens, registry: &Ident) -> TokenStream {
    let cfgs = method.attrs("cfg");
    let register = match method.kind {
        Kind::Request => quote!(request),
        Kind::Event => quote!(event),
    };
    let wire_name = &method.wire_name.text;
    let parameters = method.arguments.iter().map(|argument| argument.name.unraw().to_string());

    let call = local("call");
    let binding =
        if method.arguments.is_empty() && method.context.is_none() { quote!(#call) } else { quote!(mut #call) };
    let context = method.context.map(|_| {
        let context = local("context");
        quote!(let #context = #call.context();)
    });
    let arguments = method.arguments.iter().map(|argument| decode(argument, private, &call));
    let answer = answer(method, private, owner, &call);

    quote! {
        #(#cfgs)*
        #registry.#register(
            #wire_name,
            &[#(#parameters),*],
            |#binding: #private::Invocation<'_, Self>| {
                #context
                #(#arguments)*
                #answer
            },
        );
    }
}

/// Spanned so that a type that cannot be decoded is underlined itself.
fn decode(argument: &Argument<'_>, private: Private<'_>, call: &Ident) -> TokenStream {
    let Argument { name, ty, .. } = argument;
    let decoded = match argument.passing {
        Passing::Str => quote!(#private::String),
        Passing::Bytes => quote!(#private::Bytes),
        Passing::Owned | Passing::Text | Passing::Context => ty.to_token_stream(),
    };
    let decode = Ident::new("argument", tokens::first_span(ty));
    quote!(let #name = #call.#decode::<#decoded>()?;)
}

/// Spanned so that an `Ok` or `Err` type that cannot be sent is underlined itself.
fn answer(method: &Method<'_>, private: Private<'_>, owner: &impl ToTokens, call: &Ident) -> TokenStream {
    let this = local("this");
    let name = method.name;
    let context = method.context.map(|_| {
        let context = local("context");
        quote!(#context,)
    });
    let arguments = method.arguments.iter().map(|argument| {
        let name = &argument.name;
        match argument.passing {
            Passing::Str | Passing::Bytes => quote!(&#name),
            Passing::Owned | Passing::Text | Passing::Context => quote!(#name),
        }
    });
    let dot_await = method.is_async().then(|| quote!(.await));
    let value = quote!(#owner::#name(&#this, #context #(#arguments),*) #dot_await);
    let value = written_at(value, method.output.err);
    let reply = written_at(quote!(#private::reply), method.output.err);
    let returned = returned(private, method.output.ty);
    let reply = quote_spanned!(method.output.err=> #reply::<#returned>(#value));

    let (answer, body) = match (&method.execution, method.is_async()) {
        (Execution::Blocking(_), _) => ("answer_blocking", reply),
        (Execution::Spawned(_), _) => ("answer_spawned", quote!(async move { #reply })),
        (_, true) => ("answer", quote!(async move { #reply })),
        (_, false) => ("answer_now", reply),
    };
    let answer = Ident::new(answer, method.output.ok);
    quote!(#call.#answer(move |#this| #body))
}

/// A return type, and whether it is a `Result` under whatever name.
fn returned(private: Private<'_>, ty: Option<&Type>) -> TokenStream {
    ty.map_or_else(
        || quote!((), false),
        |ty| quote_spanned!(tokens::first_span(ty)=> #ty, { #private::returns_result!(#ty) }),
    )
}
