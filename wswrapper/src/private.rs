//! What expansions call. Not part of the public interface.

pub use crate::__returns_result as returns_result;
pub use crate::bytes::{Base64, Bytes};
pub use crate::call::Call;
pub use crate::handler::{
    Answering, Answers, Argument, BadCall, Context, Contract, Decode, Encode, Fallible, Infallible, Invocation,
    JsonResponse, Methods, Mounted, OnFull, Opens, Plain, Probe, Producer, Response, Returns, Serves, Started,
    StreamItem, UploadItem, WsError, check_channel, reply,
};
pub use crate::peer::Peer;
pub use crate::proto::Rejection;
pub use crate::rejected::{ErrorReader, ErrorWriter, error, internal};
pub use crate::reply::{Given, Reply, Wish};
pub use crate::stream::{Source, Streaming, UploadCall};
pub use crate::target::{Caller, IntoTarget, Proxy, ProxyCall, SendTo, Target, Text};
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
