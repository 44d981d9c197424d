//! Values on the wire: arguments, results, errors and bytes.

mod bytes;
mod channel_parameter;
mod codec;
mod error_data;
mod into_result;
mod ws_error;

pub use bytes::{Base64, Base64Slice};
pub use channel_parameter::ChannelParameter;
pub use codec::{Argument, Decode, Encode, ErrorField, JsonResponse, StreamItem, UploadItem};
pub use error_data::{ErrorReader, ErrorWriter, FieldType, error, field_type, internal};
pub use into_result::{IntoResult, NotResult, Probe, ResultType, reply};
pub use ws_error::WsError;
pub(crate) use ws_error::read_rejection;
