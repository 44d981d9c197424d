//! Attempts to connect to the addresses of a name, as RFC 8305 describes them.

use crate::rt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// The time after which the next address is tried as well.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to the first address that answers, and drops the other attempts.
///
/// The next attempt starts after 250 ms, or at once when one has failed. If all fail, the last error is returned.
pub(super) async fn connect_to_first<S, F>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<S>
where
    F: Future<Output = io::Result<S>>,
{
    let mut untried = interleave(addresses).into_iter();
    let mut attempts = Vec::new();
    let mut last_error = None;
    loop {
        if let Some(address) = untried.next() {
            attempts.push(Box::pin(connect(address)));
        } else if attempts.is_empty() {
            return Err(last_error.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()));
        }
        let finished = next_finished(&mut attempts);
        let finished = match untried.len() {
            0 => Some(finished.await),
            _ => rt::timeout(ATTEMPT_DELAY, finished).await.ok(),
        };
        match finished {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => last_error = Some(error),
            None => {}
        }
    }
}

/// Waits until an attempt is finished, and removes it.
async fn next_finished<F: Future>(attempts: &mut Vec<Pin<Box<F>>>) -> F::Output {
    poll_fn(|cx| {
        for index in 0..attempts.len() {
            if let Poll::Ready(output) = attempts[index].as_mut().poll(cx) {
                drop(attempts.remove(index));
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    })
    .await
}

/// Alternates between the two families, beginning with that of the first address. Each family keeps its order.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_ipv6);
    let mut interleaved = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        let before = interleaved.len();
        interleaved.extend(first.next());
        interleaved.extend(second.next());
        if interleaved.len() == before {
            return interleaved;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{connect_to_first, interleave};
    use std::cell::RefCell;
    use std::future::pending;
    use std::io;
    use std::net::SocketAddr;
    use tokio::time::{Instant, sleep};

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    const FIRST: &str = "[2001:db8::1]:80";
    const SECOND: &str = "192.0.2.1:80";
    const THIRD: &str = "[2001:db8::2]:80";

    fn all() -> Vec<SocketAddr> {
        [FIRST, THIRD, SECOND].map(address).into()
    }

    #[test]
    fn the_families_alternate_and_keep_their_order() {
        let texts = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"];
        let addresses = interleave(texts.map(address).into());
        assert_eq!(addresses, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"].map(address));
        assert_eq!(interleave(vec![address(SECOND), address(FIRST)]), [SECOND, FIRST].map(address));
        assert_eq!(interleave(Vec::new()), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_delays_the_next_one_by_250_ms() {
        let (start, tried) = (Instant::now(), RefCell::new(Vec::new()));
        let connected = connect_to_first(all(), |address| {
            tried.borrow_mut().push((address.to_string(), start.elapsed().as_millis()));
            async move {
                match address.to_string().as_str() {
                    THIRD => Ok(address),
                    _ => pending().await,
                }
            }
        });
        assert_eq!(connected.await.expect("the third answers"), address(THIRD));
        assert_eq!(tried.take(), [(FIRST.to_owned(), 0), (SECOND.to_owned(), 250), (THIRD.to_owned(), 500)]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_fails_is_followed_at_once() {
        let start = Instant::now();
        let connected = connect_to_first(all(), |address| async move {
            match address.to_string().as_str() {
                THIRD => Ok(address),
                _ => Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
            }
        });
        assert_eq!(connected.await.expect("the third answers"), address(THIRD));
        assert_eq!(start.elapsed().as_millis(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_earlier_attempt_may_still_win() {
        let start = Instant::now();
        let connected = connect_to_first(all(), |address| async move {
            match address.to_string().as_str() {
                FIRST => sleep(std::time::Duration::from_millis(300)).await,
                _ => pending().await,
            }
            Ok(address)
        });
        assert_eq!(connected.await.expect("the first answers"), address(FIRST));
        assert_eq!(start.elapsed().as_millis(), 300);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_error_is_returned_when_all_fail() {
        let failed = connect_to_first(all(), |address| async move {
            match address.to_string().as_str() {
                FIRST => {
                    sleep(std::time::Duration::from_secs(1)).await;
                    Err::<(), _>(io::ErrorKind::TimedOut.into())
                }
                _ => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        });
        assert_eq!(failed.await.expect_err("none answers").kind(), io::ErrorKind::TimedOut);
        let none = connect_to_first(Vec::new(), |_| pending::<io::Result<()>>()).await;
        assert_eq!(none.expect_err("there is none").kind(), io::ErrorKind::AddrNotAvailable);
    }
}
