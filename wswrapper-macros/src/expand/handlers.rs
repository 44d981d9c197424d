use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::contract::{channel, contract};
use super::hygiene::{Private, local, respanned};
use super::proxy::proxy;
use super::service::registration_name;
use super::shim::shims;
use crate::attr::Channel;
use crate::model::{PlainImpl, TraitImpl};
use crate::parse::Impl;
use crate::tokens;

/// The unchanged `impl`, and an `impl` that registers its handlers.
pub(crate) fn trait_impl(handlers: &TraitImpl<'_>) -> TokenStream {
    let TraitImpl { item, trait_path, .. } = handlers;
    let private = Private(handlers.krate);
    let channel_const = handlers.channel.map(|of_handlers| {
        let channel = channel(private, Some(of_handlers));
        quote!(const CHANNEL: #private::Option<&'static str> = #channel;)
    });
    let channel_check = handlers.channel.map(|Channel { name, .. }| {
        let check = quote!(#private::check_channel::<dyn #trait_path>(#name));
        let check = respanned(check, name.span());
        quote!(const _: () = #check;)
    });
    let methods = local("methods");
    let register = registration_name(tokens::first_span(trait_path));
    let impl_head = impl_head(item, &quote!(dyn #trait_path), private);
    quote! {
        #item

        #impl_head {
            #channel_const

            fn methods(#methods: &mut #private::Methods<Self>) {
                <Self as #trait_path>::#register(#methods);
            }
        }

        #channel_check
    }
}

/// The unchanged block, the contract that it describes, an `impl` that registers its handlers, and the proxy.
pub(crate) fn plain_impl(handlers: &PlainImpl<'_>) -> TokenStream {
    let PlainImpl { item, contract: own } = handlers;
    let private = Private(own.krate);
    let self_ty = &item.self_ty;
    let contract = contract(own, self_ty);
    let methods = local("methods");
    // Generic arguments were reported. Without shims rustc has nothing to add to that error.
    let shims = handlers.type_arguments().is_none().then(|| shims(own, &quote!(Self), &methods));
    let proxy = proxy(own);
    let impl_head = impl_head(item, self_ty, private);
    quote! {
        // Handlers have to take `&self` and owned arguments, and may be `async`, even if their bodies do not need that.
        // They are marked by `pub`, even if their type is private.
        #[allow(unreachable_pub, clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]
        #item
        #contract

        #[allow(deprecated, unused_variables, clippy::used_underscore_binding)]
        #impl_head {
            fn methods(#methods: &mut #private::Methods<Self>) {
                #shims
            }
        }

        #proxy
    }
}

/// The head of an `impl` with the bounds that its body needs. If the type is not generic, rustc reports an unmet bound
/// here, and only once.
fn impl_head(item: &Impl, contract: &impl ToTokens, private: Private<'_>) -> TokenStream {
    let self_ty = &item.self_ty;
    let (impl_generics, _, where_clause) = item.generics.split_for_impl();
    let own = where_clause.iter().flat_map(|own| &own.predicates);
    let bounds = respanned(quote!(Self: #private::Send + #private::Sync + 'static), tokens::first_span(self_ty));
    quote! {
        impl #impl_generics #private::Serve<#contract> for #self_ty
        where
            #(#own,)*
            #bounds
    }
}
