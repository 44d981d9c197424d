//! Lifetimes of scoped services.

use super::{Bell, BellService, OfficeProxy, RegisterProxy, connected_office, office_server};
use futures_util::FutureExt;
use std::error::Error;
use wswrapper::{
    CallError,
    error::{Reason, SendError},
    ws_handlers,
};
use wswrapper_tests::{Alive, Guard, nothing_is_left, pair, until};

#[tokio::test]
async fn a_scoped_service_is_dropped_with_the_last_clone_of_its_proxy() -> Result<(), Box<dyn Error>> {
    let (observed, pair, office) = connected_office();
    let proxy = office.register(40).await?;
    let clone = proxy.clone();
    drop(proxy);
    assert_eq!(clone.add(2).await?, 42);
    drop(clone);
    // It is dropped within one round trip.
    office.quick().await?;
    assert_eq!(observed.services.count(), 0);
    // A scoped service that was not taken is dropped as well.
    drop(office.register(1).await?);
    let mut call = office.register(2);
    assert!((&mut call).now_or_never().is_none());
    until(|| observed.services.count() == 1).await;
    drop(call);
    observed.services.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn running_calls_fail_and_handlers_are_dropped_with_their_scoped_service() -> Result<(), Box<dyn Error>> {
    let (observed, pair, office) = connected_office();
    let (register, other) = (office.register(0).await?, office.register(0).await?);
    let calls: Vec<_> = (0..3).map(|_| tokio::spawn(register.wait())).collect();
    let stays = tokio::spawn(other.wait());
    observed.handlers.becomes(4).await;
    let unsent = register.add(1);
    drop(register);
    for call in calls {
        let error = call.await?;
        assert!(matches!(error, Err(CallError::ChannelClosed(_))), "{error:?}");
    }
    let error = unsent.await;
    assert!(matches!(error, Err(CallError::NotSent(SendError::ChannelClosed { .. }))), "{error:?}");
    observed.handlers.becomes(1).await;
    observed.services.becomes(1).await;
    assert_eq!(observed.log.has(3).await, ["Request aborted"; 3]);
    assert!(!stays.is_finished());
    drop(other);
    observed.handlers.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn an_abort_of_a_scoped_service_carries_its_reason() -> Result<(), Box<dyn Error>> {
    let (observed, pair, office) = connected_office();
    let channel = office.register(1).into_channel().await?;
    let register = RegisterProxy::new(&channel);
    assert_eq!(register.add(1).await?, 2);
    let call = tokio::spawn(register.wait());
    observed.handlers.becomes(1).await;
    channel.abort(&Reason::new("closing time"));
    assert!(matches!(call.await?, Err(CallError::ChannelClosed(_))));
    assert_eq!(observed.log.has(1).await, ["closing time"]);
    observed.handlers.becomes(0).await;
    observed.services.becomes(0).await;
    let error = register.add(1).await;
    assert!(matches!(error, Err(CallError::NotSent(SendError::ChannelClosed { .. }))), "{error:?}");
    assert!(matches!(register.note(String::new()).await, Err(SendError::ChannelClosed { .. })));
    nothing_is_left(&pair).await;
    Ok(())
}

struct Held(#[expect(dead_code, reason = "only its drop counts")] Guard);

#[ws_handlers]
impl Held {
    pub fn held(&self) {}
}

#[tokio::test]
async fn a_lost_connection_drops_the_scoped_services_of_both_endpoints() -> Result<(), Box<dyn Error>> {
    let (observed, server) = office_server();
    let pair = pair(server);
    let bells = Alive::default();
    let register = OfficeProxy::new(&pair.client).register(1).serve::<Held>(Held(bells.guard())).await?;
    let call = tokio::spawn(register.wait());
    observed.handlers.becomes(1).await;
    pair.peer.abort_connection();
    pair.peer.closed().await;
    assert!(matches!(call.await?, Err(CallError::Closed(_))));
    observed.handlers.becomes(0).await;
    observed.services.becomes(0).await;
    bells.becomes(0).await;
    // It is not served again over another connection.
    let (local, remote) = wswrapper::transport::memory::pair();
    pair.client.rebind(local).await?;
    pair.server.accept_transport(remote)?;
    let error = register.add(1).await;
    assert!(matches!(error, Err(CallError::NotSent(SendError::ChannelClosed { .. }))), "{error:?}");
    assert_eq!(OfficeProxy::new(&pair.client).register(1).await?.add(1).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_scoped_service_that_panics_when_dropped_closes_only_its_channel() -> Result<(), Box<dyn Error>> {
    let (_, pair, office) = connected_office();
    let register = office.register(1).await?;
    assert_eq!(office.bomb().await?.tick().await?, 1);
    assert_eq!(office.quick().await?, 1);
    assert_eq!(register.add(1).await?, 2);
    until(|| pair.peer.counters().open_channels == 1).await;
    Ok(())
}

#[tokio::test]
async fn a_thousand_scoped_services_of_every_kind_leave_nothing_behind() -> Result<(), Box<dyn Error>> {
    let (observed, pair, office) = connected_office();
    for n in 0..1_000_i64 {
        match n % 6 {
            0 => drop(office.register(n).await?),
            1 => assert_eq!(office.register(n).await?.add(1).await?, n + 1),
            2 => drop((&mut office.register(n)).now_or_never()),
            3 => {
                let register = office.register(n).serve::<dyn Bell>(BellService(observed.log.clone())).await?;
                drop((&mut register.wait()).now_or_never());
                assert_eq!(register.rings(n).await?, 2 * n);
            }
            4 => {
                let inner = office.register(n).await?.below(n).await?;
                assert_eq!(inner.count().await?.next().await.transpose()?, Some(n));
            }
            _ => {
                let register = office.register(n).await?;
                let call = tokio::spawn(register.wait());
                observed.handlers.becomes(1).await;
                drop(register);
                assert!(call.await?.is_err());
            }
        }
    }
    observed.handlers.becomes(0).await;
    observed.services.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}
