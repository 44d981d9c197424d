//! Helpers that the suites in `tests/tests/` share.

#![allow(clippy::missing_panics_doc, reason = "a helper that panics fails the test")]

pub mod cable;
pub mod connectors;
pub mod example;
pub mod load;
pub mod network;
pub mod node;
mod observed_transport;
mod pair;
mod raw_peer;
mod record;
mod wait;
pub mod websocket;

use std::env;
use std::path::PathBuf;

pub use observed_transport::{Observed, ObservedTransport};
pub use pair::{Pair, nothing_is_left, nothing_is_left_of, pair, pair_with};
pub use raw_peer::{RawPeer, item, rebinding};
pub use record::{Alive, Guard, Log};
pub use wait::{SECOND, let_others_run, tasks, until};

/// Cargo's target directory. A test program is at `<target>/<profile>/deps/<program>`.
fn target_directory() -> PathBuf {
    let program = env::current_exe().expect("a running program has a path");
    program.ancestors().nth(3).expect("Cargo runs the tests").to_owned()
}
