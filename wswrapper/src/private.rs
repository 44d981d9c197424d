//! The items that expansions of the macros use. Not part of the public API.

pub use crate::__returns_result as returns_result;
pub use crate::call::proxy::{Proxy, ProxyCall, channel_value};
pub use crate::call::response::{ReceivedResponse, ResponseKind};
pub use crate::call::source::Source;
pub use crate::call::target::SendTo;
pub use crate::call::{
    Call, FromResponse, IntoTarget, PeerTarget, RequestTarget, Target, Text, UnnamedTarget, UploadCall,
};
pub use crate::engine::{
    Answering, Answers, BadCall, ConnectionHandle, EventPolicy, LatestBy, Mounted, Response, Started,
};
pub use crate::handle::{AnonymousChannel, Peer};
pub use crate::proto::Rejection;
pub use crate::service::channel_call::{OnChannel, proxy_on_channel};
pub use crate::service::context::ContextArgument;
pub use crate::service::contract::{ServesClientContract, check_channel};
pub use crate::service::into_response::{Fallible, Infallible};
pub use crate::service::invocation::Invocation;
pub use crate::service::methods::Methods;
pub use crate::service::scoped::CallerResult;
pub use crate::service::stream::{IntoStream, OnFull, Producer};
pub use crate::service::{Context, Contract, PlainContract, Serve};
pub use crate::stream::Streaming;
pub use crate::value::{
    Argument, Base64, Base64Slice, ChannelParameter, Decode, Encode, ErrorField, ErrorReader, ErrorWriter, FieldType,
    IntoResult, JsonResponse, NotResult, Probe, ResultType, StreamItem, UploadItem, WsError, error, field_type,
    internal, reply,
};
pub use futures_core::Stream;
pub use serde_json::Error as JsonError;
pub use std::boxed::Box;
pub use std::clone::Clone;
pub use std::convert::AsRef;
pub use std::convert::Infallible as NoError;
pub use std::fmt::{self, Debug};
pub use std::future::Future;
pub use std::marker::{Send, Sized, Sync};
pub use std::option::Option::{self, None, Some};
pub use std::result::Result::{self, Err, Ok};
pub use std::string::{String, ToString};
pub use std::sync::Arc;
pub use std::vec::Vec;
