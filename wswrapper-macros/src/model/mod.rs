//! The user's item as data. It borrows the original tokens, so that errors have their spans.

mod argument;
mod contract;
mod error;
mod execution;
mod method;
mod output;
mod wire_name;

pub(crate) use self::argument::{Argument, ArgumentKind, Upload};
pub(crate) use self::contract::{Contract, Parameter, PlainImpl, Service, TraitImpl};
pub(crate) use self::error::{Disclosure, ErrorType, Variant};
pub(crate) use self::execution::Execution;
pub(crate) use self::method::{Method, MethodKind};
pub(crate) use self::output::{StreamOutput, is_stream};
