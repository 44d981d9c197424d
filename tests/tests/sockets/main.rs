//! Tests of servers and clients over TCP and TLS.

mod tcp;
mod tls;
