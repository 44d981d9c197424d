//! Tests of the protocol's core without a transport.

mod core_peer;
mod harness;
mod outgoing;
mod properties;
mod rules;
mod simulation;
mod vectors;

use wswrapper_proto as proto;
