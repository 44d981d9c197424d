//! The JSON form of recordings and scenarios.

use crate::proto::Reason;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;

#[derive(Deserialize)]
pub(crate) struct Recording {
    pub(crate) format: u32,
    pub(crate) scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    #[serde(default = "connected")]
    pub(crate) connected: bool,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Handler {
    pub(crate) event: String,
    pub(crate) channel: Option<String>,
    pub(crate) arity: usize,
    #[serde(rename = "do")]
    pub(crate) behaviour: Behaviour,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Behaviour {
    #[serde(deserialize_with = "yes")]
    Echo,
    #[serde(deserialize_with = "yes")]
    Args,
    #[serde(deserialize_with = "yes")]
    Nothing,
    #[serde(deserialize_with = "yes")]
    Wait,
    Return(Value),
    ThrowError(String),
    ThrowValue(Value),
    Channel(AnonymousChannel),
}

/// An anonymous channel that a handler returns.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnonymousChannel {
    pub(crate) handlers: Vec<Handler>,
}

#[derive(Deserialize)]
pub(crate) struct Step {
    #[serde(rename = "do")]
    pub(crate) action: Action,
    pub(crate) expect: Vec<Value>,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    Recv(String),
    RecvBinaryBase64(String),
    Call(Request),
    Emit(Emit),
    Cancel(Cancel),
    Settle(Settle),
    AdvanceMs(u64),
    ChannelAbort(ChannelAbort),
    ChannelClose(ChannelClose),
    IterNew(IterNew),
    IterNext(IterNext),
    IterReturn(IterReturn),
    #[serde(deserialize_with = "yes")]
    Connect,
    #[serde(deserialize_with = "yes")]
    Disconnect,
}

#[derive(Deserialize, Debug)]
pub(crate) struct Request {
    pub(crate) id: String,
    pub(crate) timeout_ms: Option<u64>,
    /// Handlers for the anonymous channel, if the response is one.
    #[serde(default)]
    pub(crate) on_channel: Vec<Handler>,
    #[serde(flatten)]
    pub(crate) emit: Emit,
}

#[derive(Deserialize, Debug)]
pub(crate) struct Emit {
    pub(crate) event: String,
    pub(crate) args: Vec<Value>,
    pub(crate) channel: Option<Target>,
}

#[derive(Deserialize, Debug)]
#[serde(untagged)]
pub(crate) enum Target {
    Named(String),
    Anonymous { anon: String },
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelAbort {
    pub(crate) channel: String,
    pub(crate) reason: Option<Thrown>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelClose {
    pub(crate) channel: String,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct IterNew {
    pub(crate) iter: String,
    pub(crate) channel: String,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct IterNext {
    pub(crate) iter: String,
    #[serde(rename = "as")]
    pub(crate) name: String,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct IterReturn {
    pub(crate) iter: String,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancel {
    pub(crate) call: String,
    pub(crate) reason: Option<Thrown>,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Thrown {
    Error(String),
    Value(Value),
}

#[derive(Deserialize, Debug)]
pub(crate) struct Settle {
    pub(crate) handler: String,
    #[serde(default)]
    pub(crate) call: usize,
    #[serde(flatten)]
    pub(crate) outcome: Option<Outcome>,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Resolve(Value),
    RejectError(String),
    RejectValue(Value),
}

impl Thrown {
    pub(crate) fn to_reason(&self) -> Reason {
        match self {
            Self::Error(message) => Reason::new(message),
            Self::Value(value) => Reason::value(value.clone()),
        }
    }
}

impl Handler {
    pub(crate) fn label(&self) -> String {
        match &self.channel {
            Some(channel) => format!("{channel}/{}", self.event),
            None => self.event.clone(),
        }
    }
}

fn connected() -> bool {
    true
}

fn yes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    if bool::deserialize(deserializer)? { Ok(()) } else { Err(Error::custom("only `true` is known")) }
}
