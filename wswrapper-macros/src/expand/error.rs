use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Field, Fields, Ident, Type};

use super::hygiene::{Private, local};
use crate::model::{Disclosure, ErrorType, Variant};
use crate::tokens;

/// `impl WsError`: the conversions into a rejection and back.
pub(crate) fn error(error: &ErrorType<'_>) -> TokenStream {
    let into_rejection = into_rejection(error);
    let from_rejection = from_rejection(error);
    impl_ws_error(error, &quote!(#into_rejection #from_rejection))
}

/// An `impl WsError` with the item's generics around `body`.
pub(super) fn impl_ws_error(error: &ErrorType<'_>, body: &TokenStream) -> TokenStream {
    let private = Private(&error.krate);
    let ErrorType { ident, generics, .. } = error;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let own = where_clause.iter().flat_map(|own| &own.predicates);
    let field_bounds = generic_fields(error).map(|ty| quote!(#ty: #private::ErrorField));
    quote! {
        #[automatically_derived]
        #[allow(deprecated, unreachable_code, unused_variables)]
        impl #impl_generics #private::WsError for #ident #type_generics
        where
            #(#own,)*
            #(#field_bounds,)*
        {
            type Remote = Self;

            #body
        }
    }
}

fn into_rejection(error: &ErrorType<'_>) -> TokenStream {
    let private = Private(&error.krate);
    let message = local("message");
    let arms = error.variants.iter().map(|variant| {
        let cfgs = variant.cfgs();
        let path = &variant.path;
        match variant.disclosure {
            Disclosure::Sent => {
                let code = &variant.code.text;
                let fields = || variant.fields.iter().zip(0..);
                let pattern = construct(variant, fields().map(|(field, at)| binding(field, at)));
                let fields = fields().map(|(field, at)| encode_field(field, private, &binding(field, at)));
                quote! {
                    #(#cfgs)*
                    #pattern => #private::error(#message, #code)#(#fields)*.finish(),
                }
            }
            Disclosure::Internal => quote! {
                #(#cfgs)*
                #path { .. } => #private::internal(#message),
            },
        }
    });
    // With this type rustc reports a missing `Display`. Otherwise it would report a missing `ToString`.
    quote! {
        fn into_rejection(self) -> #private::Rejection {
            let #message: &dyn #private::fmt::Display = &self;
            let #message = #private::ToString::to_string(#message);
            match self {
                #(#arms)*
            }
        }
    }
}

fn from_rejection(error: &ErrorType<'_>) -> TokenStream {
    let private = Private(&error.krate);
    let rejection = local("rejection");
    let decoded = decoded(error, &rejection);
    quote! {
        fn from_rejection(
            #rejection: #private::Rejection,
        ) -> #private::Result<Self, #private::Rejection> {
            #decoded
        }
    }
}

fn decoded(error: &ErrorType<'_>, rejection: &Ident) -> TokenStream {
    let private = Private(&error.krate);
    let variants = error.variants.iter();
    let sent: Vec<_> = variants.filter(|variant| variant.disclosure == Disclosure::Sent).collect();
    if sent.is_empty() {
        return quote!(#private::Result::Err(#rejection));
    }
    let (data, read, found) = (local("data"), local("read"), local("found"));
    let arms = sent.iter().map(|variant| {
        let cfgs = variant.cfgs();
        let code = &variant.code.text;
        let fields = variant.fields.iter().map(|field| decode_field(field, private, &data));
        let value = construct(variant, fields);
        quote! {
            #(#cfgs)*
            #code => #value,
        }
    });
    let binding = if sent.iter().all(|variant| variant.fields.is_empty()) { quote!(#data) } else { quote!(mut #data) };
    quote! {
        let #read = || {
            let #binding = #private::ErrorReader::new(&#rejection);
            #private::Option::Some(match #data.code()? {
                #(#arms)*
                _ => return #private::Option::None,
            })
        };
        match #read() {
            #private::Option::Some(#found) => #private::Result::Ok(#found),
            #private::Option::None => #private::Result::Err(#rejection),
        }
    }
}

fn encode_field(field: &Field, private: Private<'_>, binding: &Ident) -> TokenStream {
    let ty = field_type(field, private);
    field_name(field).map_or_else(|| quote!(.item(#ty, &#binding)), |name| quote!(.field(#name, #ty, &#binding)))
}

fn decode_field(field: &Field, private: Private<'_>, data: &Ident) -> TokenStream {
    let ty = field_type(field, private);
    field_name(field).map_or_else(|| quote!(#data.item(#ty)?), |name| quote!(#data.field(#name, #ty)?))
}

/// Has the span of the field's type, so that rustc underlines a type that cannot be sent. The code is the same in both
/// directions, so that rustc reports it once.
fn field_type(field: &Field, private: Private<'_>) -> TokenStream {
    let ty = &field.ty;
    quote_spanned!(tokens::first_span(ty)=> &#private::field_type::<#ty>())
}

fn field_name(field: &Field) -> Option<String> {
    field.ident.as_ref().map(|name| name.unraw().to_string())
}

fn binding(field: &Field, at: usize) -> Ident {
    format_ident!("__field{at}", span = tokens::first_span(&field.ty))
}

/// The variant with `values` for its fields, as a pattern or as an expression.
fn construct<T: ToTokens>(variant: &Variant<'_>, values: impl Iterator<Item = T>) -> TokenStream {
    let path = &variant.path;
    let names = variant.fields.iter().map(|field| &field.ident);
    let fields = names.zip(values);
    match variant.fields {
        Fields::Named(_) => {
            let fields = fields.map(|(name, value)| quote!(#name: #value));
            quote!(#path { #(#fields),* })
        }
        Fields::Unnamed(_) => {
            let fields = fields.map(|(_, value)| value);
            quote!(#path(#(#fields),*))
        }
        Fields::Unit => quote!(#path),
    }
}

/// The types of sent fields that contain a type parameter of the item.
fn generic_fields<'a>(error: &'a ErrorType<'_>) -> impl Iterator<Item = &'a Type> {
    let parameters = || {
        let parameters = error.generics.type_params();
        parameters.map(|parameter| parameter.ident.to_string())
    };
    error
        .variants
        .iter()
        .flat_map(Variant::sent_fields)
        .map(|field| &field.ty)
        .filter(move |ty| parameters().any(|parameter| tokens::contains_word(ty, &parameter)))
}
