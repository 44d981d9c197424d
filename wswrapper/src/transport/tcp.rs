//! Options of TCP sockets.

use tokio::net::TcpStream;

/// The unsent bytes that the system holds for a socket, at most.
#[cfg(any(target_os = "android", target_os = "linux"))]
const MAX_UNSENT: u32 = 128 * 1024;

/// Sets the options of a connected socket. They only tune it, so an error is ignored.
pub(crate) fn set_options(stream: &TcpStream) {
    // Frames are already written in batches.
    let _ = stream.set_nodelay(true);
    #[cfg(any(target_os = "android", target_os = "linux"))]
    {
        let socket = socket2::SockRef::from(stream);
        // Without it, Linux accepts megabytes and then nothing until the peer has read a third of them. A peer that
        // reads slowly and steadily would look like one that reads nothing.
        let _ = socket.set_tcp_notsent_lowat(MAX_UNSENT);
        // Without it, an idle connection stays open for ever when the machine of its peer is gone.
        let _ = socket.set_tcp_keepalive(&keepalive());
    }
}

/// Probes of the system that find a peer whose machine is gone within two minutes. They cost no wake-up of a task.
#[cfg(any(target_os = "android", target_os = "linux"))]
fn keepalive() -> socket2::TcpKeepalive {
    use std::time::Duration;
    let idle = Duration::from_secs(60);
    socket2::TcpKeepalive::new().with_time(idle).with_interval(Duration::from_secs(15)).with_retries(4)
}

#[cfg(all(test, any(target_os = "android", target_os = "linux")))]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn the_system_probes_idle_sockets() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let stream = TcpStream::connect(listener.local_addr().expect("it is bound")).await.expect("it listens");
        set_options(&stream);
        let socket = socket2::SockRef::from(&stream);
        assert!(socket.keepalive().expect("an option"));
        assert_eq!(socket.tcp_keepalive_time().expect("an option"), Duration::from_secs(60));
        assert_eq!(socket.tcp_keepalive_retries().expect("an option"), 4);
    }
}
