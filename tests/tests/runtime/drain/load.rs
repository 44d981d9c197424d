//! A drain while all connections are busy, on several threads.

use super::{LONG, WorkProxy, desk, numbers};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::transport::memory;
use wswrapper::{CallError, Client, error::SendError};
use wswrapper_tests::until;

const CLIENTS: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_without_pause_are_answered_until_they_are_rejected_or_their_connection_closes()
-> Result<(), Box<dyn Error>> {
    for _ in 0..10 {
        let (desk, server) = desk();
        let server = server.drain_event("moving").build()?;
        let (mut callers, answered_once) = (Vec::new(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..CLIENTS {
            let (local, remote) = memory::pair();
            server.accept_transport(remote)?;
            let client = Client::connect_transport(local)?;
            let answered_once = Arc::clone(&answered_once);
            callers.push(tokio::spawn(async move {
                let work = WorkProxy::new(&client);
                let mut answered = 0;
                loop {
                    match work.sleep(answered % 2).await {
                        Ok(_) => {
                            answered_once.fetch_add(usize::from(answered == 0), Ordering::SeqCst);
                            answered += 1;
                        }
                        Err(error) => return (answered, error),
                    }
                }
            }));
        }
        until(|| answered_once.load(Ordering::SeqCst) == CLIENTS).await;
        let report = timeout(Duration::from_secs(20), server.shutdown(LONG)).await?;
        assert_eq!((numbers(report), desk.handlers.count()), ((CLIENTS, 0, 0), 0));
        for caller in callers {
            let (answered, error) = caller.await?;
            assert!(answered > 0, "{error}");
            match error {
                CallError::Rejected(rejection) => assert_eq!(rejection.code(), Some("ws:Draining")),
                CallError::Closed(closed) | CallError::NotSent(SendError::Closed(closed)) => {
                    assert_eq!(closed.code, 1001);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    Ok(())
}
