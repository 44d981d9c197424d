//! The guide: wswrapper from the first service to its limits, in reading order.
//!
//! 1. [A calculator](calculator): a service, its server and a client, step by step
//! 2. [State and tasks](state_and_tasks): state that calls share, the context of a call, slow handlers
//! 3. [Errors](errors): errors of handlers, of calls and of connections
//! 4. [Streams](streams): streams from a handler and to it, windows, cancellation
//! 5. [Events and channels](events_and_channels): events, calls in the other direction, scoped services, handlers by name
//! 6. [Channels with parameters](channels): a channel for each document, hooks for those who enter and leave it
//! 7. [JavaScript](javascript): pages and Node programs, as callers and as servers
//! 8. [Tests](testing): tests without sockets, on paused time
//! 9. [Limits](limits): each limit with its default and its effect, slow and hostile peers
//! 10. [Inside axum](axum): one port for pages, an API and WebSockets, users of a layer
//! 11. [Who may connect](access): origins, hosts, users, admission and TLS
//! 12. [Guards and layers](layers): roles, rates, code around calls, authentication by the first message
//! 13. [Connecting](connecting): URLs, redirects, proxies and other streams of clients
//! 14. [Reconnecting](reconnecting): clients that connect again, their states, and what a lost connection costs
//! 15. [Rooms and users](rooms): events to a part of the clients, users, requests to many, presence
//! 16. [Deployment](deployment): how a server stops, its health and its status
//! 17. [Observation](observation): hooks, observers, spans, traces, metrics and counters
//!
//! Reference:
//!
//! - [Compatibility](compatibility): faults of other implementations, and the ways around them
//! - [Values](values): Rust values and their JSON
//! - [Performance](performance): the cost of a call, and measurements of other services

#![cfg(all(doc, any(not(doctest), all(feature = "macros", feature = "websocket"))))]

/// Defines a module for each chapter.
///
/// The targets of its links at the end of a chapter are for readers of the repository. `links.md` replaces them here. It
/// is left out of doctests, because it would shift their lines.
macro_rules! chapters {
    ($($chapter:ident)*) => {
        $(
            #[cfg_attr(not(doctest), doc = include_str!("../docs/links.md"))]
            #[doc = include_str!(concat!("../docs/", stringify!($chapter), ".md"))]
            pub mod $chapter {}
        )*
    };
}

chapters! {
    calculator state_and_tasks errors streams events_and_channels channels javascript testing limits axum access layers
    connecting reconnecting rooms deployment observation compatibility performance values
}
