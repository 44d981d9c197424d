use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Field, Fields, Generics, Ident, Item, Path};

use super::wire_name::WireName;
use crate::attr::{self, EnumAttr, RenameRule, StructAttr, VariantAttr};
use crate::errors::Errors;
use crate::text;

/// An enum or a struct that implements `WsError`.
pub(crate) struct ErrorType<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    pub(crate) krate: Path,
    /// A struct has itself as its only variant.
    pub(crate) variants: Vec<Variant<'a>>,
}

pub(crate) struct Variant<'a> {
    pub(crate) attrs: &'a [Attribute],
    /// `Self::Name` in an enum, `Self` for a struct.
    pub(crate) path: TokenStream,
    pub(crate) code: WireName,
    pub(crate) disclosure: Disclosure,
    pub(crate) fields: &'a Fields,
}

/// The amount that the caller learns about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disclosure {
    /// Message, code and fields.
    Sent,
    /// Only that an internal error happened.
    Internal,
}

impl<'a> ErrorType<'a> {
    pub(crate) fn new(item: &'a Item, errors: &mut Errors) -> Option<Self> {
        match item {
            Item::Enum(item) => {
                let attr = EnumAttr::read(&item.attrs, errors);
                let rule = attr.rename_all;
                let variants = item.variants.iter().map(|variant| Variant::new(variant, rule, errors));
                Some(Self {
                    ident: &item.ident,
                    generics: &item.generics,
                    variants: variants.collect(),
                    krate: attr.krate,
                })
            }
            Item::Struct(item) => {
                let StructAttr { variant, krate } = StructAttr::read(&item.attrs, errors);
                refuse_field_attrs(&item.fields, errors);
                Some(Self {
                    ident: &item.ident,
                    generics: &item.generics,
                    krate,
                    variants: vec![Variant {
                        attrs: &[],
                        path: quote!(Self),
                        code: WireName::of_variant(&item.ident, variant.code.as_ref(), RenameRule::None),
                        disclosure: Disclosure::new(&variant),
                        fields: &item.fields,
                    }],
                })
            }
            _ => None,
        }
    }
}

impl<'a> Variant<'a> {
    fn new(variant: &'a syn::Variant, rule: RenameRule, errors: &mut Errors) -> Self {
        let attr = VariantAttr::read(&variant.attrs, errors);
        refuse_field_attrs(&variant.fields, errors);
        let ident = &variant.ident;
        Self {
            attrs: &variant.attrs,
            path: quote!(Self::#ident),
            code: WireName::of_variant(ident, attr.code.as_ref(), rule),
            disclosure: Disclosure::new(&attr),
            fields: &variant.fields,
        }
    }

    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &'a Attribute> {
        self.attrs.iter().filter(|attr| attr.path().is_ident("cfg"))
    }

    /// The fields that are sent.
    pub(crate) fn sent_fields(&self) -> impl Iterator<Item = &'a Field> {
        let is_sent = self.disclosure == Disclosure::Sent;
        self.fields.iter().filter(move |_| is_sent)
    }
}

impl Disclosure {
    fn new(attr: &VariantAttr) -> Self {
        match attr.internal {
            Some(_) => Self::Internal,
            None => Self::Sent,
        }
    }
}

/// Reports `#[ws(..)]` on a field, where the compiler accepts it because the derive macro declares the attribute.
fn refuse_field_attrs(fields: &Fields, errors: &mut Errors) {
    for attr in fields.iter().flat_map(|field| &field.attrs) {
        if attr::is_ws(attr) {
            errors.push(attr, text::FIELD_ATTRIBUTE);
        }
    }
}
