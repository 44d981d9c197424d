//! The steps of each macro: parse, repair, model, check, expand. Errors are added to the expansion, so that rustc does
//! not report the missing items as well.

use proc_macro2::TokenStream;
use quote::quote;

use crate::attr::ContractAttr;
use crate::errors::Errors;
use crate::model::{ErrorType, PlainImpl, Service, TraitImpl};
use crate::parse::{Impl, Trait};
use crate::{check, expand, repair, text, tokens};

pub(crate) fn service(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let attr = ContractAttr::of_service(args, &mut errors);
    let Some(mut parsed) = errors.ok(syn::parse2::<Trait>(item.clone())) else {
        return reported(tokens::without_ws(item), errors);
    };
    repair::attributes(&mut parsed.attrs, "ws_service", &mut errors);
    repair::unfinished(&mut parsed.members);
    repair::members(&mut parsed.members, &mut errors);
    let mut service = Service::new(&parsed, &attr, &mut errors);
    check::service(&mut service, &mut errors);
    reported(expand::service(&service), errors)
}

pub(crate) fn handlers(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let attr = ContractAttr::of_handlers(args, &mut errors);
    let Some(mut parsed) = errors.ok(syn::parse2::<Impl>(item.clone())) else {
        return reported(tokens::without_ws(item), errors);
    };
    repair::attributes(&mut parsed.attrs, "ws_handlers", &mut errors);
    repair::members(&mut parsed.members, &mut errors);
    if let Some(implemented) = &parsed.trait_ {
        attr.check_for_trait_impl(&mut errors);
        let handlers = TraitImpl::new(&parsed, implemented, &attr);
        check::trait_impl(&handlers, &mut errors);
        return reported(expand::trait_impl(&handlers), errors);
    }
    let Some(mut handlers) = PlainImpl::new(&parsed, &attr, &mut errors) else {
        errors.push(&parsed.self_ty, text::UNNAMED_TYPE);
        return reported(quote!(#parsed), errors);
    };
    check::plain_impl(&mut handlers, &mut errors);
    reported(expand::plain_impl(&handlers), errors)
}

pub(crate) fn error(item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let Some(parsed) = errors.ok(syn::parse2(item)) else {
        return errors.report();
    };
    let Some(error) = ErrorType::new(&parsed, &mut errors) else {
        errors.push(&parsed, text::ERROR_UNION);
        return errors.report();
    };
    check::error(&error, &mut errors);
    if errors.count() == 0 { expand::error(&error) } else { reported(expand::error_fallback(&error), errors) }
}

fn reported(mut tokens: TokenStream, errors: Errors) -> TokenStream {
    tokens.extend(errors.report());
    tokens
}
