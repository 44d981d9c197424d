//! Servers and clients, mostly over the transport in memory, also with broken connections.

mod aborts;
mod anonymous_channels;
mod calls;
mod chaos;
mod client;
mod codes;
mod cuts;
mod drain;
mod dynamic;
mod events;
mod execution;
mod guard_attributes;
mod heartbeat;
mod hostile_streams;
mod lifetimes;
mod limits;
mod long_names;
mod message_log;
mod mounting;
mod observers;
mod scoped;
mod status;
mod streams;
mod uploads;
mod values;
mod wire_log;
