//! What answers: from a call in a frame to a handler's future and its answer.

mod answers;
mod closure;
mod context;
mod execution;
mod invocation;
mod label;
mod methods;
mod outcome;
mod producer;
mod pump;
mod running;
mod uploading;

pub(crate) use answers::Progress;
pub use answers::{Answering, Answers};
pub(crate) use closure::closure_handler;
pub use closure::{Fallible, Gives, HandlerFn, Infallible, Json, Value};
pub(crate) use context::CallState;
pub use context::Context;
pub use invocation::{BadCall, Invocation, Started};
pub(crate) use invocation::{Sessions, Start};
pub(crate) use label::Label;
pub(crate) use methods::Handler;
pub use methods::{Contract, Methods, Mounted, Serves, check_channel};
pub use outcome::{
    Argument, Decode, Encode, JsonResponse, Plain, Probe, Response, Returns, StreamItem, UploadItem, WsError, reply,
};
pub(crate) use producer::Lent;
pub use producer::{OnFull, Opens, Producer};
pub(crate) use running::{RunningHandler, RunningKey, RunningSet};
