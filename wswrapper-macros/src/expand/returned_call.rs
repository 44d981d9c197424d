use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, Type};

use super::hygiene::{Private, respanned};
use crate::model::{Method, MethodKind, StreamOutput, Upload};
use crate::tokens;

/// The return type of a proxy's method, the bounds that it needs, and the expression that makes the value.
pub(super) struct ReturnedCall {
    pub(super) returned: TokenStream,
    pub(super) bounds: TokenStream,
    pub(super) send: TokenStream,
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
        Self { returned: quote!(<#target as #private::Target>::Emit), bounds: TokenStream::new(), send: quote!(emit()) }
    }

    fn of_request(method: &Method<'_>, target: &Ident, private: Private<'_>) -> Self {
        let returns = returns(method.output.ty, private);
        let reply = method.output.scoped.map_or_else(
            || quote!(for<'__x> #returns::Ok: #private::FromResponse),
            // Checked at the definition, because nothing else there reports a trait without `#[ws_service]`.
            |contract| {
                let is_contract = respanned(quote!(: #private::Contract), tokens::first_span(contract));
                quote!(#contract #is_contract)
            },
        );
        Self {
            returned: quote!(#private::Call<#returns::Ok, #returns::Err>),
            bounds: quote! {
                #target: #private::RequestTarget,
                #reply,
            },
            send: quote!(request()),
        }
    }

    fn of_stream(stream: &StreamOutput<'_>, target: &Ident, private: Private<'_>) -> Self {
        let item = returns(Some(stream.item), private);
        let streaming = quote!(#private::Streaming<#item::Ok, #item::Err>);
        let mut bounds = quote! {
            #target: #private::RequestTarget,
            for<'__x> #item::Ok: #private::Decode,
        };
        let returned = match stream.replace_stream(Type::Verbatim(streaming.clone())) {
            None => {
                let nothing = returns(None, private);
                quote!(#private::Call<#streaming, #nothing::Err>)
            }
            Some(result) => {
                let returns = returns(Some(&result), private);
                bounds.extend(quote!(for<'__x> #returns::Ok: #private::FromResponse,));
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
                #target: #private::RequestTarget,
                for<'__x> #returns::Ok: #private::Decode,
            },
            send: quote!(upload(#private::Source::#source(#name))),
        }
    }
}

/// The type whose associated types `Ok` and `Err` are those of `ty`.
fn returns(ty: Option<&Type>, private: Private<'_>) -> TokenStream {
    ty.map_or_else(
        || quote!(<() as #private::IntoResult<false>>),
        |ty| {
            quote_spanned! {tokens::first_span(ty)=>
                <#ty as #private::IntoResult<{ #private::returns_result!(#ty) }>>
            }
        },
    )
}
