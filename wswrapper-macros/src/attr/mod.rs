//! The arguments of `#[ws_service]`, `#[ws_handlers]` and `#[ws(..)]`.

mod argument;
mod channel;
mod contract;
mod error;
mod guards;
mod meta_items;
mod method;
mod on_full;
mod rename_rule;
mod renamed;
mod ws;

pub(crate) use self::argument::ArgumentAttr;
pub(crate) use self::channel::Channel;
pub(crate) use self::contract::ContractAttr;
pub(crate) use self::error::{EnumAttr, StructAttr, VariantAttr};
pub(crate) use self::method::{MethodAttr, is_skipped};
pub(crate) use self::on_full::{EventOnFull, EventPolicy, OnFull, Policy};
pub(crate) use self::rename_rule::RenameRule;
pub(crate) use self::ws::{is_ws, take_ws};
