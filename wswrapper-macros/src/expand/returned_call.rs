use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Ident, Type};

use super::hygiene::{Private, respanned};
use super::returned_types::ReturnedTypes;
use crate::attr::EventPolicy;
use crate::model::{Method, MethodKind, StreamOutput, Upload};
use crate::tokens;

/// The return type of a proxy's method, the bounds that it needs, and the expression that makes the value.
pub(super) struct ReturnedCall {
    pub(super) returned: TokenStream,
    pub(super) bounds: TokenStream,
    pub(super) send: TokenStream,
    /// The place of the signature.
    pub(super) span: Span,
    /// A constant that checks the spelled types.
    pub(super) check: Option<TokenStream>,
}

impl ReturnedCall {
    pub(super) fn of(method: &Method<'_>, target: &Ident, private: Private<'_>) -> Self {
        match (method.kind, method.upload(), &method.output.stream) {
            (MethodKind::Event, ..) => Self::of_event(method, target, private),
            (MethodKind::Request, Some((argument, upload)), _) => {
                Self::of_upload(method, &argument.name, upload, target, private)
            }
            (MethodKind::Request, None, Some(stream)) => Self::of_stream(method, stream, target, private),
            (MethodKind::Request, None, None) => Self::of_request(method, target, private),
        }
    }

    fn of_event(method: &Method<'_>, target: &Ident, private: Private<'_>) -> Self {
        Self {
            returned: quote!(<#target as #private::Target>::Emit),
            bounds: TokenStream::new(),
            send: emit(method, private),
            span: Span::call_site(),
            check: None,
        }
    }

    fn of_request(method: &Method<'_>, target: &Ident, private: Private<'_>) -> Self {
        let types = ReturnedTypes::of(method.output.ty, private);
        let ReturnedTypes { ok, err, span, is_std, .. } = &types;
        let span = span.unwrap_or_else(Span::call_site);
        // A scoped service needs one peer.
        let request_target = match method.output.scoped {
            Some(Type::TraitObject(_)) => quote!(PeerTarget),
            _ => quote!(RequestTarget),
        };
        let (returned, response) = match method.output.scoped {
            None => {
                let target = respanned(target.to_token_stream(), span);
                let response = (!is_std).then(|| quote_spanned!(span=> for<'__x> #ok: #private::FromResponse,));
                (quote_spanned!(span=> #target::Request<#ok, #err>), response)
            }
            Some(contract @ Type::TraitObject(_)) => {
                let proxy = quote!(<#contract as #private::PlainContract>::ScopedProxy);
                (respanned(quote!(#target::Request<#proxy, #err>), tokens::first_span(contract)), None)
            }
            // Perhaps a type of the user's with the same name.
            Some(_) => (quote!(#target::Request<<#ok as #private::CallerResult>::Result, #err>), None),
        };
        Self {
            returned,
            bounds: quote! {
                #target: #private::#request_target,
                #response
            },
            send: request(method),
            span,
            check: types.check(private),
        }
    }

    fn of_stream(method: &Method<'_>, stream: &StreamOutput<'_>, target: &Ident, private: Private<'_>) -> Self {
        let item = ReturnedTypes::of(Some(stream.item), private);
        let ReturnedTypes { ok, err, is_std, .. } = &item;
        let streaming = quote!(#private::Streaming<#ok, #err>);
        let result = stream.replace_stream(Type::Verbatim(streaming.clone()));
        let result = result.as_ref().map(|result| ReturnedTypes::of(Some(result), private));
        let span = result.as_ref().and_then(|result| result.span).or(item.span).unwrap_or_else(Span::call_site);
        let target = respanned(target.to_token_stream(), span);
        let decode = (!is_std).then(|| quote_spanned!(span=> for<'__x> #ok: #private::Decode,));
        let (returned, response) = match &result {
            None => (quote_spanned!(span=> #target::Request<#streaming, #private::NoError>), None),
            Some(ReturnedTypes { ok, err, .. }) => (
                quote_spanned!(span=> #target::Request<#ok, #err>),
                Some(quote_spanned!(span=> for<'__x> #ok: #private::FromResponse,)),
            ),
        };
        Self {
            returned,
            bounds: quote! {
                #target: #private::PeerTarget,
                #decode
                #response
            },
            send: request(method),
            span,
            check: item.check(private),
        }
    }

    fn of_upload(method: &Method<'_>, name: &Ident, upload: Upload<'_>, target: &Ident, private: Private<'_>) -> Self {
        let types = ReturnedTypes::of(method.output.ty, private);
        let ReturnedTypes { ok, err, span, is_std, .. } = &types;
        let span = span.unwrap_or_else(Span::call_site);
        let decode = (!is_std).then(|| quote_spanned!(span=> for<'__x> #ok: #private::Decode,));
        let call = respanned(quote!(#private::UploadCall), span);
        let source = if upload.error.is_some() { quote!(results) } else { quote!(items) };
        Self {
            returned: quote_spanned!(span=> #call<#ok, #err>),
            bounds: quote! {
                #target: #private::PeerTarget,
                #decode
            },
            send: quote!(upload(#private::Source::#source(#name))),
            span,
            check: types.check(private),
        }
    }
}

/// The call of the runtime's function that makes an event.
fn emit(method: &Method<'_>, private: Private<'_>) -> TokenStream {
    let Some(on_full) = &method.event_on_full else { return quote!(emit()) };
    let policy = match on_full.policy {
        EventPolicy::Wait => quote!(Wait),
        EventPolicy::Drop => quote!(Drop),
        EventPolicy::Close => quote!(Close),
        EventPolicy::Latest => {
            let argument = on_full.latest_key.as_ref().and_then(|key| method.position_of(&key.value()));
            let by = argument.map_or_else(|| quote!(Event), |position| quote!(Argument(#position)));
            quote!(Latest(#private::LatestBy::#by))
        }
    };
    quote!(emit_on_full(#private::EventPolicy::#policy))
}

/// The call of the runtime's function that makes a request.
fn request(method: &Method<'_>) -> TokenStream {
    if method.idempotent.is_some() { quote!(idempotent_request()) } else { quote!(request()) }
}
