use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;

use super::hygiene::{Private, local, target};
use crate::attr::Channel;
use crate::model::Contract;
use crate::text;

/// `impl Contract for owner`. The owner is `dyn Trait`, or the type of a plain `impl`.
pub(super) fn contract(contract: &Contract<'_>, owner: &impl ToTokens) -> TokenStream {
    let private = Private(contract.krate);
    let name = contract.name.unraw().to_string();
    let channel = channel(private, contract.channel);
    let mismatch = contract.channel.map(|channel| text::channel_mismatch(&channel.name.value())).unwrap_or_default();
    let proxy = contract.proxy();
    let to = local("to");
    let target = target(contract);
    let (generics, _, where_clause) = contract.generics.split_for_impl();
    let where_clause = where_clause.filter(|_| !contract.generics.params.is_empty());
    let plain = contract.parameters.is_empty().then(|| {
        quote! {
            impl #generics #private::PlainContract for #owner #where_clause {
                type ScopedProxy = #proxy<#private::AnonymousChannel>;

                fn proxy<#target: #private::Target>(#to: #private::Proxy<#target>) -> Self::Proxy<#target> {
                    #proxy { #to }
                }
            }
        }
    });
    quote! {
        impl #generics #private::Contract for #owner #where_clause {
            const NAME: &'static str = #name;
            const CHANNEL: #private::Option<&'static str> = #channel;
            const CHANNEL_MISMATCH: &'static str = #mismatch;
            type Proxy<#target: #private::Target> = #proxy<#target>;
        }

        #plain
    }
}

pub(super) fn channel(private: Private<'_>, channel: Option<&Channel>) -> TokenStream {
    channel.map_or_else(
        || quote!(#private::Option::None),
        |channel| {
            let name = &channel.name;
            quote!(#private::Option::Some(#name))
        },
    )
}
