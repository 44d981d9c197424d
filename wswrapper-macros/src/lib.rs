//! The macros of `wswrapper`, which re-exports them.

mod args;
mod attr;
mod check;
mod error_model;
mod errors;
mod expand;
mod model;
mod pairs;
mod parse;
mod pipeline;
mod text;
mod tokens;
mod wire_name;

use proc_macro::TokenStream;

/// service
#[proc_macro_attribute]
pub fn ws_service(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::service(args.into(), item.into()).into()
}

/// handlers
#[proc_macro_attribute]
pub fn ws_handlers(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::handlers(args.into(), item.into()).into()
}

/// error
#[proc_macro_derive(WsError, attributes(ws))]
pub fn ws_error(item: TokenStream) -> TokenStream {
    pipeline::error(item.into()).into()
}
