//! The macros of [`wswrapper`](https://docs.rs/wswrapper), which re-exports them.
//!
//! # Layout
//!
//! A macro is a small compiler. A module imports only modules that stand before it in this list.
//!
//! - `tokens`, `types`: helpers that read tokens and the spelling of types
//! - `text`, `errors`: the texts of compile errors, and their collection
//! - `attr`: the arguments of the attributes
//! - `parse`: a trait or an `impl` block, with bodies as raw tokens
//! - `repair`: corrections of mistakes for which rustc would give the wrong advice
//! - `model`: the user's item as data
//! - `check`: the rules
//! - `expand`: the tokens, which cannot fail
//! - `pipeline`: the steps of each macro in order

mod attr;
mod check;
mod errors;
mod expand;
mod model;
mod parse;
mod pipeline;
mod repair;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod types;

use proc_macro::TokenStream;

#[doc = include_str!("../docs/ws_service.md")]
#[proc_macro_attribute]
pub fn ws_service(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::service(args.into(), item.into()).into()
}

#[doc = include_str!("../docs/ws_handlers.md")]
#[proc_macro_attribute]
pub fn ws_handlers(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::handlers(args.into(), item.into()).into()
}

#[doc = include_str!("../docs/ws_error.md")]
#[proc_macro_derive(WsError, attributes(ws))]
pub fn ws_error(item: TokenStream) -> TokenStream {
    pipeline::error(item.into()).into()
}
