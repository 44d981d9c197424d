use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{ExprPath, Ident, Type};

use super::hygiene::{Private, local, respanned};
use crate::attr::Policy;
use crate::model::{Argument, ArgumentKind, Contract, Execution, Method, MethodKind, StreamOutput, Upload};
use crate::{tokens, types};

/// One registration for each method. It holds names and types only; the runtime crate does the rest.
///
/// `owner` is the path before a method's name: `<Self as Calc>` or `Self`.
pub(super) fn shims(contract: &Contract<'_>, owner: &impl ToTokens, registry: &Ident) -> TokenStream {
    let private = Private(contract.krate);
    let of_method = |method| {
        let shim = shim(method, private, owner, registry);
        let guards = contract.guards.iter().chain(&method.guards).map(|path| guard(method, path, registry));
        quote!(#shim #(#guards)*)
    };
    let parameters = contract.parameters.iter().filter_map(|parameter| {
        let (name, ty) = (&parameter.name, parameter.ty?);
        let register = Ident::new("parameter", tokens::first_span(ty));
        let ty = decoded_type(ty, ArgumentKind::of(ty), private);
        Some(quote!(#registry.#register::<#ty>(#name);))
    });
    parameters.chain(contract.methods.iter().map(of_method)).collect()
}

fn shim(method: &Method<'_>, private: Private<'_>, owner: &impl ToTokens, registry: &Ident) -> TokenStream {
    let cfgs = method.attrs("cfg");
    let register = match method.kind {
        MethodKind::Request => quote!(request),
        MethodKind::Event => quote!(event),
    };
    let wire_name = &method.wire_name.text;
    let parameters = method.sent_arguments().map(|argument| argument.name.unraw().to_string());

    let call = local("call");
    let is_read = method.context.is_some() || method.arguments.iter().any(|argument| argument.upload().is_none());
    let binding = if is_read { quote!(mut #call) } else { quote!(#call) };
    let context = method.context.map(|input| context(&input.ty, &call));
    let from_channel = method.arguments.iter().filter(|argument| argument.is_parameter);
    let arguments = from_channel.chain(method.sent_arguments()).map(|argument| decode(argument, private, &call));
    let answer = match &method.output.stream {
        Some(stream) => respond_with_stream(method, stream, private, owner, &call),
        None => respond(method, private, owner, &call),
    };

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

/// The registration of a guard for the method before it, under the same conditions. Has the span of the path, so that
/// rustc underlines a function that cannot be a guard.
fn guard(method: &Method<'_>, path: &ExprPath, registry: &Ident) -> TokenStream {
    let cfgs = method.attrs("cfg");
    let guard = Ident::new("guard", tokens::first_span(path));
    quote! {
        #(#cfgs)*
        #registry.#guard(#path);
    }
}

/// Has the span of the type, so that rustc underlines a type that only has the name `Context`.
fn context(ty: &Type, call: &Ident) -> TokenStream {
    let name = local("context");
    let context = Ident::new("context", tokens::first_span(ty));
    quote!(let #name = #call.#context::<#ty>();)
}

/// Has the span of the argument's type, so that rustc underlines a type that cannot be decoded.
fn decode(argument: &Argument<'_>, private: Private<'_>, call: &Ident) -> TokenStream {
    let Argument { name, ty, kind, .. } = argument;
    let (span, decoded) = (tokens::first_span(ty), decoded_type(ty, *kind, private));
    if argument.is_parameter {
        let (read, of_channel) = (Ident::new("parameter", span), name.unraw().to_string());
        return quote!(let #name = #call.#read::<#decoded>(#of_channel)?;);
    }
    let decode = Ident::new("argument", span);
    quote!(let #name = #call.#decode::<#decoded>()?;)
}

fn decoded_type(ty: &Type, kind: ArgumentKind<'_>, private: Private<'_>) -> TokenStream {
    match kind {
        ArgumentKind::Str => quote!(#private::String),
        ArgumentKind::Bytes => quote!(#private::Base64),
        // `Upload` without an item type: rustc reports it at the declaration, and `_` prevents a second error here.
        ArgumentKind::Owned if types::is_named(ty, "Upload") => quote_spanned!(tokens::first_span(ty)=> _),
        _ => ty.to_token_stream(),
    }
}

/// Has the spans of the `Ok` and `Err` types, so that rustc underlines the type that cannot be sent.
fn respond(method: &Method<'_>, private: Private<'_>, owner: &impl ToTokens, call: &Ident) -> TokenStream {
    let this = local("this");
    let value = method_call(method, owner, &this);
    let reply = respanned(quote!(#private::reply), method.output.err_span);
    let generics = return_generics(private, method.output.ty);
    let reply = quote_spanned!(method.output.err_span=> #reply::<#generics>(#value));

    if let Some((argument, upload)) = method.upload() {
        return respond_to_upload(method, argument, upload, call, &reply);
    }
    let (answer, body) = match (&method.execution, method.is_async()) {
        (Execution::Blocking(_), _) => ("answer_blocking", reply),
        (Execution::Spawned(_), _) => ("answer_spawned", quote!(async move { #reply })),
        (_, true) => ("answer", quote!(async move { #reply })),
        (_, false) => ("answer_now", reply),
    };
    let answer = Ident::new(answer, method.output.ok_span);
    quote!(#call.#answer(move |#this| #body))
}

/// Names the item and error types separately, so that rustc underlines the type that cannot be decoded.
fn respond_to_upload(
    method: &Method<'_>,
    argument: &Argument<'_>,
    upload: Upload<'_>,
    call: &Ident,
    reply: &TokenStream,
) -> TokenStream {
    let this = local("this");
    let Argument { name, ty, .. } = argument;
    let Upload { item, error } = upload;
    let error = error.map_or_else(|| quote!(_), ToTokens::to_token_stream);
    let read = quote_spanned!(method.output.ok_span=> upload::<#item, #error, _, _, _>);
    quote!(#call.#read(move |#this, #name: #ty| async move { #reply }))
}

/// Has the span of the item type, so that rustc underlines a type that cannot be sent.
fn respond_with_stream(
    method: &Method<'_>,
    stream: &StreamOutput<'_>,
    private: Private<'_>,
    owner: &impl ToTokens,
    call: &Ident,
) -> TokenStream {
    let StreamOutput { item, item_ok_span, item_err_span, .. } = stream;
    let span = tokens::first_span(item);
    let this = local("this");
    let producer = Ident::new("producer", Span::mixed_site().located_at(method.output.err_span));
    let on_full = on_full(method.on_full.as_ref().map(|on_full| on_full.policy).unwrap_or_default());
    let value = method_call(method, owner, &this);
    let answer = quote_spanned!(method.output.span=> _);
    let ok = quote_spanned!(*item_ok_span=> _);
    let err = quote_spanned!(*item_err_span=> _);
    let is_result = quote_spanned!(span=> { #private::returns_result!(#item) });
    let run = quote_spanned! {method.output.err_span=>
        #producer.run::<#answer, #item, #ok, #err, _, #is_result>(#value).await
    };
    quote! {
        #call.stream(#private::OnFull::#on_full, move |#this, #producer: #private::Box<#private::Producer>| async move { #run })
    }
}

/// The call of the user's method with the decoded arguments.
fn method_call(method: &Method<'_>, owner: &impl ToTokens, this: &Ident) -> TokenStream {
    let name = method.name;
    let context = method.context.map(|_| {
        let context = local("context");
        quote!(#context,)
    });
    let arguments = method.arguments.iter().map(|argument| {
        let name = &argument.name;
        match argument.kind {
            ArgumentKind::Str | ArgumentKind::Bytes => quote!(&#name),
            _ => quote!(#name),
        }
    });
    let dot_await = method.is_async().then(|| quote!(.await));
    let receiver = if method.takes_arc() { quote!(#this) } else { quote!(&#this) };
    let value = quote!(#owner::#name(#receiver, #context #(#arguments),*) #dot_await);
    respanned(value, method.output.err_span)
}

fn on_full(policy: Policy) -> Ident {
    let variant = match policy {
        Policy::Wait => "Wait",
        Policy::DropOldest => "DropOldest",
        Policy::DropNewest => "DropNewest",
        Policy::Latest => "Latest",
        Policy::Close => "Close",
    };
    Ident::new(variant, Span::call_site())
}

/// The generic arguments for a return type: the type, and true if it is a `Result` under any name.
fn return_generics(private: Private<'_>, ty: Option<&Type>) -> TokenStream {
    ty.map_or_else(
        || quote!((), false),
        |ty| quote_spanned!(tokens::first_span(ty)=> #ty, { #private::returns_result!(#ty) }),
    )
}
