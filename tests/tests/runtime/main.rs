//! Servers and clients over the transport in memory, and what they do with broken connections.

mod anonymous_channels;
mod calls;
mod chaos;
mod dynamic;
mod events;
mod execution;
mod hostile_streams;
mod lifetimes;
mod limits;
mod mounting;
mod scoped;
mod streams;
mod uploads;
mod values;
