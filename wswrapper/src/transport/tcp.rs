//! Options of TCP sockets.

use tokio::net::TcpStream;

/// The unsent bytes that the system holds for a socket, at most.
#[cfg(any(target_os = "android", target_os = "linux"))]
const MAX_UNSENT: u32 = 128 * 1024;

/// Sets the options of a connected socket. They only tune it, so an error is ignored.
pub(crate) fn set_options(stream: &TcpStream) {
    // Frames are already written in batches.
    let _ = stream.set_nodelay(true);
    // Without it, Linux accepts megabytes and then nothing until the peer has read a third of them. A peer that reads
    // slowly and steadily would look like one that reads nothing.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(MAX_UNSENT);
}
