//! What expansions call. Not part of the public interface.

pub use crate::__returns_result as returns_result;
pub use crate::call::Call;
pub use crate::call::{Caller, IntoTarget, Proxy, ProxyCall, SendTo, Target, Text};
pub use crate::call::{Given, Reply, Wish};
pub use crate::call::{Source, UploadCall};
pub use crate::engine::{Answering, Answers};
pub use crate::handle::Peer;
pub use crate::proto::Rejection;
pub use crate::service::{
    BadCall, Context, Contract, Fallible, Infallible, Invocation, Methods, Mounted, OnFull, Opens, Producer, Serves,
    Started, check_channel,
};
pub use crate::stream::Streaming;
pub use crate::value::{
    Argument, Decode, Encode, JsonResponse, Plain, Probe, Response, Returns, StreamItem, UploadItem, WsError, reply,
};
pub use crate::value::{Base64, Bytes};
pub use crate::value::{ErrorReader, ErrorWriter, error, internal};
pub use futures_core::Stream;
pub use std::clone::Clone;
pub use std::fmt::{self, Debug};
pub use std::future::Future;
pub use std::marker::{Send, Sized, Sync};
pub use std::option::Option::{self, None, Some};
pub use std::result::Result::{self, Err, Ok};
pub use std::string::{String, ToString};
pub use std::sync::Arc;
pub use std::vec::Vec;
