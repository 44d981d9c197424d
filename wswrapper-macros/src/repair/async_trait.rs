use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::{GenericArgument, GenericParam, Lifetime, PathArguments, ReturnType, Signature, Type, TypeParamBound};

use crate::errors::Errors;
use crate::parse::{Body, Function, Member};
use crate::text;
use crate::types::{last_segment, type_arguments, ungroup};

/// Restores the methods that an `#[async_trait]` above the attribute has expanded.
pub(super) fn restore_methods(members: &mut [Member], errors: &mut Errors) {
    let mut is_reported = false;
    for member in members {
        if let Member::Function(function) = member
            && let Some(lifetime) = async_trait_lifetime(&function.sig)
        {
            if !is_reported {
                // The lifetime has the span of `#[async_trait]`.
                errors.push_at(lifetime.apostrophe, text::ASYNC_TRAIT);
                is_reported = true;
            }
            restore(function);
        }
    }
}

fn async_trait_lifetime(sig: &Signature) -> Option<&Lifetime> {
    sig.generics.lifetimes().map(|parameter| &parameter.lifetime).find(|lifetime| lifetime.ident == "async_trait")
}

/// Makes `fn f<'life0, 'async_trait>(&'life0 self) -> Pin<Box<dyn Future<Output = T> + ..>>` an `async fn` again.
fn restore(function: &mut Function) {
    let Function { sig, body, .. } = function;
    let Some(output) = output_of_future(&sig.output) else { return };
    sig.output = syn::parse_quote!(-> #output);
    sig.asyncness = Some(syn::parse_quote!(async));
    let generics = std::mem::take(&mut sig.generics.params);
    sig.generics.params =
        generics.into_iter().filter(|parameter| !matches!(parameter, GenericParam::Lifetime(_))).collect();
    sig.generics.where_clause = None;
    for input in &mut sig.inputs {
        if let Ok(elided) = syn::parse2(without_added_lifetimes(input.to_token_stream())) {
            *input = elided;
        }
    }
    if let Body::Block(block) = body {
        let mut awaited = Group::new(Delimiter::Brace, quote!(let future = #block; future.await));
        awaited.set_span(block.span());
        *block = awaited;
    }
}

/// The `T` of `Pin<Box<dyn Future<Output = T> + ..>>`.
fn output_of_future(returned: &ReturnType) -> Option<Type> {
    let ReturnType::Type(_, pin) = returned else { return None };
    let [boxed] = type_arguments(last_segment(pin)?)[..] else { return None };
    let [Type::TraitObject(future)] = type_arguments(last_segment(boxed)?)[..] else { return None };
    let TypeParamBound::Trait(bound) = future.bounds.first()? else { return None };
    let PathArguments::AngleBracketed(arguments) = &bound.path.segments.last()?.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(output) => Some(ungroup(&output.ty).clone()),
        _ => None,
    })
}

/// Removes the lifetimes `'life0`, `'life1`, .., which `#[async_trait]` gives to elided ones.
fn without_added_lifetimes(tokens: TokenStream) -> TokenStream {
    let mut kept = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '\'' && tokens.next_if(is_added).is_some() => {}
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), without_added_lifetimes(group.stream()));
                inner.set_span(group.span());
                kept.extend([TokenTree::Group(inner)]);
            }
            other => kept.extend([other]),
        }
    }
    kept
}

fn is_added(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(name) if name.to_string().starts_with("life"))
}
