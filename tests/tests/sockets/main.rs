//! Tests of servers and clients over TCP, TLS, Unix sockets and proxies.

mod dialling;
mod proxies;
mod reconnecting;
mod tcp;
mod tls;
