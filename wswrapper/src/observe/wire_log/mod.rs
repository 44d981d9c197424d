//! The wire log: each message in both directions.

mod line;

use crate::engine::{ConnectionView, Interest, MessageLog, Observer, Observers, PeerId};
use crate::lock::lock;
use line::Rules;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

/// A log of each message in both directions, to `tracing` or to a writer; see
/// [`wire_log`](crate::server::ServerBuilder::wire_log).
///
/// A message is one line: an arrow (`←` received, `→` sent), the number of the peer, and the JSON of the message. White
/// space between its values is left out, and control characters are escaped, so a peer cannot forge a line. A text that
/// is not JSON is shown after `not JSON:`.
///
/// Long values are cut, and a line is cut between two values after 4 KiB. `…(+20 bytes)` after a value or a line is
/// the number of bytes of the message that were left out there.
///
/// A message that has moved from its queue to the output of the connection is logged as sent. Pings, pongs and closes are
/// no messages. A clone of a log writes to the same writer, so that several servers and clients can share it.
///
/// ```
/// # use std::{io, sync::{Arc, Mutex}};
/// use wswrapper::observe::WireLog;
/// # use wswrapper::{Client, Server, transport::memory};
///
/// # #[derive(Clone, Default)]
/// # struct Lines(Arc<Mutex<Vec<u8>>>);
/// # impl io::Write for Lines {
/// #     fn write(&mut self, bytes: &[u8]) -> io::Result<usize> { self.0.lock().unwrap().write(bytes) }
/// #     fn flush(&mut self) -> io::Result<()> { Ok(()) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let lines = Lines::default();
/// # let writer = lines.clone();
/// let log = WireLog::to_writer(writer).max_value_bytes(8).redact(["password", "token"]);
/// let server = Server::builder().wire_log(log).build()?;
/// # server.on("login", |_user: serde_json::Value| async {})?;
/// # let (near, far) = memory::pair();
/// # let peer = server.accept_transport(far)?;
/// # let client = Client::connect_transport(near)?;
/// let user = serde_json::json!({"name": "Ada Lovelace", "password": "secret"});
/// client.request::<()>("login", (user,)).await?;
/// # let lines = String::from_utf8(lines.0.lock().unwrap().clone())?;
/// # let id = peer.id();
/// # let first = r#"{"a":["login",{"name":"Ada Love"…(+4 bytes),"password":"…"}],"i":268435457}"#;
/// # assert_eq!(lines, format!("← {id} {first}\n→ {id} {{\"i\":268435457}}\n"));
/// // ← 7 {"a":["login",{"name":"Ada Love"…(+4 bytes),"password":"…"}],"i":268435457}
/// // → 7 {"i":268435457}
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a log does nothing until a builder mounts it"]
pub struct WireLog {
    rules: Rules,
    sink: Sink,
}

#[derive(Clone)]
enum Sink {
    Tracing,
    /// The writer, until it has failed. The lock is its own and held for one write, so that lines are not mixed.
    Writer(Arc<Mutex<Option<Box<dyn io::Write + Send>>>>),
}

impl WireLog {
    /// The target of the events of a log to `tracing`.
    pub const TARGET: &'static str = "wswrapper::wire";

    /// Creates a log to `tracing`: events of the target [`TARGET`](Self::TARGET) and the level `TRACE`. The number of the
    /// peer is the field `peer`.
    ///
    /// While no subscriber is interested in the target, a message costs only the question whether one is.
    pub fn tracing() -> Self {
        Self { rules: Rules::default(), sink: Sink::Tracing }
    }

    /// Creates a log to a writer, for example a file. Each line is passed to it by one
    /// [`write_all`](io::Write::write_all), and it is never flushed.
    ///
    /// The task of a connection writes its lines itself, and connections write one at a time. So the writer must not
    /// wait for anything slow. A writer that fails or panics is reported once, by `tracing`, and dropped. The connections
    /// are not affected.
    pub fn to_writer(writer: impl io::Write + Send + 'static) -> Self {
        Self { rules: Rules::default(), sink: Sink::Writer(Arc::new(Mutex::new(Some(Box::new(writer))))) }
    }

    /// Sets the length to which each string is cut, in bytes of the message. The default is 256.
    ///
    /// A character or an escape sequence is not split. Numbers are cut to 64 bytes.
    pub fn max_value_bytes(mut self, bytes: usize) -> Self {
        self.rules.max_value_bytes = bytes;
        self
    }

    /// Adds names of members whose values are logged as `"…"`, in all objects of a message: arguments, results,
    /// rejections, items and metadata, at any depth.
    ///
    /// Upper and lower case differ. An argument that is not an object has no name, so it cannot be redacted: send a
    /// secret as a member of a struct. A text that is not JSON is cut before the first of the names.
    pub fn redact<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.rules.redacted.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds the log to the observers of a builder.
    pub(crate) fn add_to(self, observers: &mut Observers) {
        match self.sink {
            Sink::Tracing => {
                observers.add_while(self, || tracing::enabled!(target: WireLog::TARGET, tracing::Level::TRACE));
            }
            Sink::Writer(_) => observers.add(self),
        }
    }

    fn log(&self, arrow: char, peer: PeerId, message: &MessageLog<'_>) {
        let text = message.whole_text();
        match &self.sink {
            Sink::Tracing => {
                let line = self.rules.line(format!("{arrow} "), text);
                tracing::trace!(target: WireLog::TARGET, %peer, "{line}");
            }
            Sink::Writer(writer) => {
                // A writer that has failed before needs no line. It may fail for another connection after that.
                if lock(writer).is_some() {
                    let mut line = self.rules.line(format!("{arrow} {peer} "), text);
                    line.push('\n');
                    write(writer, &line);
                }
            }
        }
    }
}

/// Writes a line. A writer that fails is reported and dropped.
fn write(writer: &Mutex<Option<Box<dyn io::Write + Send>>>, line: &str) {
    let mut slot = lock(writer);
    // It is not put back after an error or a panic.
    let Some(mut writer) = slot.take() else { return };
    match writer.write_all(line.as_bytes()) {
        Ok(()) => *slot = Some(writer),
        Err(error) => {
            drop(slot);
            tracing::warn!("the writer of a wire log has failed, and the log ends here: {error}");
        }
    }
}

impl Observer for WireLog {
    fn name(&self) -> &'static str {
        "wire_log"
    }

    fn interest(&self) -> Interest {
        Interest::RECEIVED_MESSAGES | Interest::SENT_MESSAGES
    }

    fn message_received(&self, connection: &ConnectionView<'_>, message: &MessageLog<'_>) {
        self.log('←', connection.id(), message);
    }

    fn message_sent(&self, connection: &ConnectionView<'_>, message: &MessageLog<'_>) {
        self.log('→', connection.id(), message);
    }
}

impl fmt::Debug for WireLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sink = match self.sink {
            Sink::Tracing => "tracing",
            Sink::Writer(_) => "writer",
        };
        f.debug_struct("WireLog").field("sink", &sink).field("rules", &self.rules).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::WireLog;
    use crate::engine::test_log::TestLog;
    use crate::engine::{Interest, Observers};
    use crate::transport::memory;
    use crate::{Client, Server};
    use std::io;
    use tracing::subscriber::{NoSubscriber, set_default};

    struct Broken;

    impl io::Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is full"))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Lets a client call a server with this log. Returns the number of the server's peer.
    async fn call_twice(log: WireLog) -> String {
        let server = Server::builder().wire_log(log).build().expect("nothing to mount");
        server.on("next", |number: u8| async move { number + 1 }).expect("a valid name");
        let (near, far) = memory::pair();
        let peer = server.accept_transport(far).expect("it is open");
        let client = Client::connect_transport(near).expect("nothing to mount");
        for number in [1, 2] {
            assert_eq!(client.request::<u8>("next", (number,)).await.expect("it is handled"), number + 1);
        }
        peer.id().to_string()
    }

    #[tokio::test]
    async fn messages_are_events_of_tracing() {
        let messages = TestLog::of("message");
        let _log = set_default(messages.clone());
        call_twice(WireLog::tracing()).await;
        let lines = [
            r#"← {"a":["next",1],"i":268435457}"#,
            r#"→ {"i":268435457,"d":2}"#,
            r#"← {"a":["next",2],"i":268435458}"#,
            r#"→ {"i":268435458,"d":3}"#,
        ];
        assert_eq!(messages.containing("\"i\":"), lines);
    }

    #[tokio::test]
    async fn the_number_of_the_peer_is_a_field_of_the_events() {
        let peers = TestLog::of("peer");
        let _log = set_default(peers.clone());
        let peer = call_twice(WireLog::tracing()).await;
        assert_eq!(peers.containing("")[..4], [(); 4].map(|()| peer.clone()));
    }

    #[tokio::test]
    async fn a_log_to_tracing_has_an_interest_only_while_somebody_listens() {
        let mut observers = Observers::default();
        WireLog::tracing().add_to(&mut observers);
        let interest = |observers: &Observers| {
            [Interest::RECEIVED_MESSAGES, Interest::SENT_MESSAGES, Interest::CALLS]
                .map(|kind| observers.any_interest(kind))
        };
        {
            let _nobody = set_default(NoSubscriber::default());
            assert_eq!(interest(&observers), [false; 3]);
        }
        let _log = set_default(TestLog::of("message"));
        assert_eq!(interest(&observers), [true, true, false]);
        let _nobody = set_default(NoSubscriber::default());
        assert_eq!(interest(&observers), [false; 3]);
        WireLog::to_writer(io::sink()).add_to(&mut observers);
        assert_eq!(interest(&observers), [true, true, false]);
    }

    #[tokio::test]
    async fn a_writer_that_fails_is_reported_once_and_left_out() {
        let messages = TestLog::of("message");
        let _log = set_default(messages.clone());
        let log = WireLog::to_writer(Broken);
        call_twice(log.clone()).await;
        call_twice(log).await;
        let expected = "the writer of a wire log has failed, and the log ends here: the disk is full";
        assert_eq!(messages.containing("wire log"), [expected]);
    }
}
