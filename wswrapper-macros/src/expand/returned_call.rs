use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Type};

use super::hygiene::{Private, respanned};
use super::returned_types::ReturnedTypes;
use crate::model::{Method, MethodKind, StreamOutput, Upload};
use crate::tokens;

/// The return type of a proxy's method, the bounds that it needs, and the expression that makes the value.
pub(super) struct ReturnedCall {
    pub(super) returned: TokenStream,
    pub(super) bounds: TokenStream,
    pub(super) send: TokenStream,
    /// A constant that checks the spelled types.
    pub(super) check: Option<TokenStream>,
}

impl ReturnedCall {
    pub(super) fn of(method: &Method<'_>, target: &Ident, private: Private<'_>) -> Self {
        match (method.kind, method.upload(), &method.output.stream) {
            (MethodKind::Event, ..) => Self::of_event(target, private),
            (MethodKind::Request, Some((argument, upload)), _) => {
                Self::of_upload(method, &argument.name, upload, target, private)
            }
            (MethodKind::Request, None, Some(stream)) => Self::of_stream(stream, target, private),
            (MethodKind::Request, None, None) => Self::of_request(method, target, private),
        }
    }

    fn of_event(target: &Ident, private: Private<'_>) -> Self {
        Self {
            returned: quote!(<#target as #private::Target>::Emit),
            bounds: TokenStream::new(),
            send: quote!(emit()),
            check: None,
        }
    }

    fn of_request(method: &Method<'_>, target: &Ident, private: Private<'_>) -> Self {
        let types = ReturnedTypes::of(method.output.ty, private);
        let ReturnedTypes { ok, err, is_std, .. } = &types;
        let (returned, response) = match method.output.scoped {
            None => {
                let response = (!is_std).then(|| quote!(for<'__x> #ok: #private::FromResponse,));
                (quote!(#target::Request<#ok, #err>), response)
            }
            Some(contract @ Type::TraitObject(_)) => {
                let proxy = quote!(<#contract as #private::Contract>::Proxy<#private::AnonymousChannel>);
                (respanned(quote!(#target::Request<#proxy, #err>), tokens::first_span(contract)), None)
            }
            // Perhaps a type of the user's with the same name.
            Some(_) => (quote!(#target::Request<<#ok as #private::CallerResult>::Result, #err>), None),
        };
        Self {
            returned,
            bounds: quote! {
                #target: #private::RequestTarget,
                #response
            },
            send: quote!(request()),
            check: types.check(private),
        }
    }

    fn of_stream(stream: &StreamOutput<'_>, target: &Ident, private: Private<'_>) -> Self {
        let item = ReturnedTypes::of(Some(stream.item), private);
        let ReturnedTypes { ok, err, is_std, .. } = &item;
        let streaming = quote!(#private::Streaming<#ok, #err>);
        let decode = (!is_std).then(|| quote!(for<'__x> #ok: #private::Decode,));
        let mut bounds = quote! {
            #target: #private::RequestTarget,
            #decode
        };
        let returned = match stream.replace_stream(Type::Verbatim(streaming.clone())) {
            None => quote!(#target::Request<#streaming, #private::NoError>),
            Some(result) => {
                let ReturnedTypes { ok, err, .. } = ReturnedTypes::of(Some(&result), private);
                bounds.extend(quote!(for<'__x> #ok: #private::FromResponse,));
                quote!(#target::Request<#ok, #err>)
            }
        };
        Self { returned, bounds, send: quote!(request()), check: item.check(private) }
    }

    fn of_upload(method: &Method<'_>, name: &Ident, upload: Upload<'_>, target: &Ident, private: Private<'_>) -> Self {
        let types = ReturnedTypes::of(method.output.ty, private);
        let ReturnedTypes { ok, err, is_std, .. } = &types;
        let decode = (!is_std).then(|| quote!(for<'__x> #ok: #private::Decode,));
        let source = if upload.error.is_some() { quote!(results) } else { quote!(items) };
        Self {
            returned: quote!(#private::UploadCall<#ok, #err>),
            bounds: quote! {
                #target: #private::RequestTarget,
                #decode
            },
            send: quote!(upload(#private::Source::#source(#name))),
            check: types.check(private),
        }
    }
}
