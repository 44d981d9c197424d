//! The span of a connection.

use crate::close::{CloseCause, Closed};
use crate::engine::epoch::Epoch;
use crate::engine::shared::Shared;
use crate::proto::Side;
use tracing::Span;
use tracing::field::{self, Empty};

/// The span of a connection, in which its task runs.
pub(crate) struct ConnectionSpan(Span);

/// Creates the span of a connection, if spans are mounted and wanted. Boxed, because most connections have none.
pub(crate) fn connection_span(shared: &Shared, epoch: &Epoch) -> Option<Box<ConnectionSpan>> {
    shared.endpoint.observers.spans()?;
    let span = tracing::info_span!(
        target: "wswrapper::connection",
        parent: None,
        "connection",
        rpc.system = "wswrapper",
        rpc.wswrapper.peer = shared.id.get(),
        rpc.wswrapper.epoch = epoch.number,
        rpc.wswrapper.side = match shared.endpoint.side {
            Side::Client => "client",
            Side::Server => "server",
        },
        url.path = epoch.handshake.path(),
        network.peer.address = epoch.handshake.remote_addr().map(|address| field::display(address.ip())),
        rpc.wswrapper.close.code = Empty,
        rpc.wswrapper.close.reason = Empty,
        error.type = Empty,
    );
    (!span.is_disabled()).then(|| Box::new(ConnectionSpan(span)))
}

impl ConnectionSpan {
    /// Runs a part of the connection's task in the span.
    #[inline]
    pub(crate) fn scope<R>(span: Option<&Self>, run: impl FnOnce() -> R) -> R {
        let _entered = span.map(|Self(span)| span.enter());
        run()
    }

    /// Records the result of the connection.
    pub(crate) fn record_close(&self, closed: &Closed) {
        let Self(span) = self;
        span.record("rpc.wswrapper.close.code", closed.code);
        span.record("rpc.wswrapper.close.reason", &*closed.reason);
        let error = match closed.cause {
            CloseCause::Local | CloseCause::Remote => return,
            cause => format!("{cause:?}").to_lowercase(),
        };
        span.record("error.type", &*error);
    }
}
