//! The admission of handshakes: how many at a time, in a second, and from one address.

use crate::engine::RefusalReason;
use crate::limits::Limits;
use crate::lock::lock;
use crate::rt::Instant;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Counts the handshakes of a server, and its connections from each address.
#[derive(Default, Debug)]
pub(crate) struct Admission {
    in_flight: AtomicUsize,
    second: Mutex<Option<Second>>,
    /// Empty unless connections from one address are limited.
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// The handshakes of one second.
#[derive(Debug)]
struct Second {
    started: Instant,
    handshakes: usize,
}

impl Admission {
    /// Admits a handshake, if the limits allow one more. The server has `connections` now.
    pub(super) fn admit(
        self: &Arc<Self>,
        limits: &Limits,
        connections: usize,
        address: Option<IpAddr>,
    ) -> Result<Admitted, RefusalReason> {
        let in_flight = InFlight::new(self);
        let number = in_flight.number;
        if connections.saturating_add(number) > limits.max_connections {
            return Err(RefusalReason::TooManyConnections);
        }
        if number > limits.max_handshakes_in_flight {
            return Err(RefusalReason::TooManyHandshakes);
        }
        let address = match (limits.max_connections_per_address, address) {
            (Some(max), Some(address)) => Some(self.count_address(of_one_client(address), max)?),
            _ => None,
        };
        // After the address, so that one address does not use up the second of all.
        if !self.count_in_second(limits.max_handshakes_per_second) {
            return Err(RefusalReason::TooManyHandshakes);
        }
        Ok(Admitted { _in_flight: in_flight, address })
    }

    /// Counts a handshake of this second. Returns false if there were `max` already.
    fn count_in_second(&self, max: Option<usize>) -> bool {
        let Some(max) = max else { return true };
        let now = Instant::now();
        let mut second = lock(&self.second);
        match &mut *second {
            Some(second) if now.duration_since(second.started) < SECOND => {
                second.handshakes += 1;
                second.handshakes <= max
            }
            old => {
                *old = Some(Second { started: now, handshakes: 1 });
                max > 0
            }
        }
    }

    fn count_address(self: &Arc<Self>, address: IpAddr, max: usize) -> Result<FromAddress, RefusalReason> {
        let mut addresses = lock(&self.addresses);
        let count = addresses.get(&address).copied().unwrap_or(0);
        if count >= max {
            return Err(RefusalReason::TooManyOfAddress);
        }
        addresses.insert(address, count + 1);
        Ok(FromAddress { admission: Arc::clone(self), address })
    }
}

/// Returns the address that stands for a client. A client of IPv6 has all addresses of a /64.
fn of_one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// An admitted handshake. It counts as under way until it is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    _in_flight: InFlight,
    /// Kept with the connection, if connections from one address are limited.
    pub(super) address: Option<FromAddress>,
}

#[derive(Debug)]
struct InFlight {
    admission: Arc<Admission>,
    /// The number of handshakes under way, with this one.
    number: usize,
}

impl InFlight {
    fn new(admission: &Arc<Admission>) -> Self {
        let number = admission.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        Self { admission: Arc::clone(admission), number }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.admission.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that counts for its address until it is dropped.
#[derive(Debug)]
pub(super) struct FromAddress {
    admission: Arc<Admission>,
    address: IpAddr,
}

impl Drop for FromAddress {
    fn drop(&mut self) {
        let mut addresses = lock(&self.admission.addresses);
        match addresses.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(addresses.remove(&self.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    #[tokio::test(start_paused = true)]
    async fn each_limit_refuses_with_its_reason() {
        let limits = Limits::default().max_connections(3).max_handshakes_in_flight(2);
        let admission = Arc::new(Admission::default());
        let _first = admission.admit(&limits, 0, None).expect("there is none yet");
        let second = admission.admit(&limits, 1, None).expect("two are allowed");
        assert_eq!(admission.admit(&limits, 0, None).unwrap_err(), RefusalReason::TooManyHandshakes);
        drop(second);
        assert_eq!(admission.admit(&limits, 2, None).unwrap_err(), RefusalReason::TooManyConnections);
        assert!(admission.admit(&limits, 1, None).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_has_its_number_of_handshakes() {
        let limits = Limits::default().max_handshakes_per_second(Some(2));
        let admission = Arc::new(Admission::default());
        let is_admitted = || admission.admit(&limits, 0, None).is_ok();
        assert_eq!([is_admitted(), is_admitted(), is_admitted()], [true, true, false]);
        tokio::time::advance(SECOND).await;
        assert_eq!([is_admitted(), is_admitted(), is_admitted()], [true, true, false]);
    }

    #[test]
    fn a_client_of_ipv6_has_many_addresses() {
        let client = |address: &str| of_one_client(address.parse().expect("an address"));
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:1"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_address_does_not_use_up_the_second() {
        let limits = Limits::default().max_connections_per_address(Some(1)).max_handshakes_per_second(Some(2));
        let admission = Arc::new(Admission::default());
        let _first = admission.admit(&limits, 0, Some(address(1))).expect("it is the first");
        for _ in 0..3 {
            assert!(admission.admit(&limits, 1, Some(address(1))).is_err());
        }
        assert!(admission.admit(&limits, 1, Some(address(2))).is_ok());
    }

    #[test]
    fn connections_are_counted_by_their_address() {
        let limits = Limits::default().max_connections_per_address(Some(1));
        let admission = Arc::new(Admission::default());
        let mut first = admission.admit(&limits, 0, Some(address(1))).expect("it is the first");
        let connection = first.address.take();
        drop(first);
        assert_eq!(admission.admit(&limits, 1, Some(address(1))).unwrap_err(), RefusalReason::TooManyOfAddress);
        assert!(admission.admit(&limits, 1, Some(address(2))).is_ok());
        assert!(admission.admit(&limits, 1, None).is_ok());
        drop(connection);
        assert!(admission.admit(&limits, 1, Some(address(1))).is_ok());
        assert!(lock(&admission.addresses).is_empty());
    }
}
