//! The macros of [`wswrapper`](https://docs.rs/wswrapper), which re-exports them.
//!
//! # Layout
//!
//! A macro is a small compiler: `pipeline` runs its steps and reports what was wrong.
//!
//! - `attr`: the arguments of the attributes
//! - `parse`: a trait or an `impl` block, its bodies left as raw tokens
//! - `repair`: mistakes after which rustc would give the wrong advice
//! - `types`: types as they are written
//! - `model`: what the user wrote
//! - `check`: the rules, with their messages in `text`
//! - `expand`: the tokens, which cannot fail

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
