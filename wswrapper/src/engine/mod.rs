//! One connection: its task, the state that its handles share with it, and the lookup of its handlers.
//!
//! From a frame to a response:
//!
//! 1. `driver` reads a frame from the transport and decodes its message.
//! 2. `router` finds the handler for the channel and the event of a call.
//! 3. `handler` starts it: the arguments are decoded from the frame, and the handler's future is created.
//! 4. The driver polls the future once, in place. A ready handler writes its response through `answers` into the
//!    transport's output. A pending one joins `tasks`, and its waker wakes the driver.
//! 5. At the end of its turn the driver writes the output with one flush.
//!
//! `shared` holds the protocol core and all that handles and the driver exchange, under one lock. A handle queues a
//! call there and waits at a `slot`; the driver leaves the response in the slot and wakes the handle's task. Items of a
//! stream wait in an `inbox`.

mod answers;
mod authentication;
mod background;
mod blocking;
mod budget;
mod call_log;
mod call_state;
mod channel_names;
mod channel_state;
mod connection_handle;
mod connection_view;
mod driver;
mod early_events;
mod entering;
mod epoch;
mod extensions;
mod flushes;
mod handler;
mod hooks;
mod id;
mod inbox;
mod label;
mod layers;
mod loan;
mod members;
mod membership;
mod message_log;
mod observer;
mod on_full;
mod outcome;
mod own_tasks;
mod pings;
mod poll_watch;
mod refused;
mod room_watch;
mod router;
mod shared;
mod slot;
mod spans;
mod spare_waker;
mod tasks;
#[cfg(test)]
pub(crate) mod test_log;
mod totals;
mod traffic;
mod warnings;

pub use answers::{Answering, Answers, Response};
pub(crate) use answers::{WriteError, no_answer};
pub(crate) use authentication::AuthRules;
pub(crate) use background::BackgroundTasks;
pub(crate) use blocking::BlockedThread;
pub(crate) use budget::Budget;
pub(crate) use call_log::CallLog;
pub use call_log::{CallEnd, CallInfo};
pub(crate) use call_state::CallState;
pub(crate) use channel_names::{ChannelPattern, ParameterCheck, decode_value, displays_as, encode_value};
pub(crate) use channel_state::{ChannelState, channel_closed_reason};
pub use connection_handle::ConnectionHandle;
pub use connection_view::ConnectionView;
pub(crate) use driver::{Driver, Opened};
pub(crate) use entering::{ChannelHook, Visit, leave_channel};
pub(crate) use epoch::Epoch;
pub use extensions::Extensions;
pub(crate) use flushes::Flushed;
pub use handler::{BadCall, Started};
pub(crate) use handler::{BoxRunning, Handler, Running, SessionFactory, Start};
pub(crate) use hooks::{CloseHook, Hooks, OpenHook};
pub use id::{Counters, PeerId};
pub(crate) use inbox::{Batch, Mark, StreamFinish, Taken, WINDOW};
pub(crate) use label::Label;
pub(crate) use layers::{CallSteps, CallView, CheckCall, LayeredCall, LayeredRunning, Next, Reply, StartLayer, Step};
pub(crate) use members::{Members, Selection};
pub use message_log::{MessageKind, MessageLog};
pub(crate) use observer::Observers;
pub use observer::{Interest, Observer};
pub(crate) use on_full::UnsentEvent;
pub use on_full::{EventPolicy, LatestBy, OnFull};
pub use outcome::CallOutcome;
pub(crate) use outcome::Outcome;
pub use refused::{RefusalReason, RefusedHandshake};
pub(crate) use room_watch::{Departure, RoomWatch};
pub use router::Mounted;
pub(crate) use router::{DynamicHandlers, MountedMethod, Router, Times};
pub(crate) use shared::{ChannelBinding, Emitted, LocalEndpoint, Mode, NotReopened, OfflineState, Shared};
pub(crate) use slot::{CallOptions, Completion, Expected, OfflineWait, Priority, StartedCall};
pub(crate) use spans::{CallScope, CallerSpan, InScope};
pub use spans::{Propagator, Spans};
pub(crate) use totals::Totals;
pub use traffic::Traffic;
