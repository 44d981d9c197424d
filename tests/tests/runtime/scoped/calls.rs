//! Calls to scoped services, and calls that return them.

use super::{Locked, Observed, Office, OfficeProxy, OfficeService, RegisterProxy, connected_office, office_server};
use std::error::Error;
use wswrapper::{AnonymousChannel, CallError, Client, Limits};
use wswrapper_tests::{nothing_is_left, pair, pair_with};

#[tokio::test]
async fn a_scoped_service_is_called_through_its_proxy_and_keeps_its_state() -> Result<(), Box<dyn Error>> {
    let (observed, pair, office) = connected_office();
    let one: RegisterProxy<AnonymousChannel> = office.register(40).await?;
    let two = office.register(0).await?;
    assert_eq!(one.add(2).await?, 42);
    assert_eq!(two.add(7).await?, 7);
    assert_eq!(one.clone().add(1).await?, 43);
    one.note("one".to_owned()).await?;
    two.note("two".to_owned()).await?;
    assert_eq!(observed.log.has(2).await, ["one 43", "two 7"]);
    assert_eq!(
        (observed.services.count(), pair.peer.counters().open_channels, pair.client.counters().open_channels),
        (2, 2, 2)
    );
    Ok(())
}

#[tokio::test]
async fn a_scoped_service_can_be_refused_with_the_contracts_error() -> Result<(), Box<dyn Error>> {
    let (observed, pair, office) = connected_office();
    let refused = office.locked("tin").await.map(|_| ());
    assert!(matches!(refused, Err(CallError::Handler(Locked::Key { key })) if key == "tin"));
    assert_eq!(office.locked("brass").await?.add(5).await?, 5);
    observed.services.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn both_endpoints_serve_scoped_services_to_each_other() -> Result<(), Box<dyn Error>> {
    let (server_observed, server) = office_server();
    let client_observed = Observed::default();
    let pair = pair_with(server, Client::builder().service_as::<dyn Office>(OfficeService(client_observed.clone())));
    let clients_register = OfficeProxy::new(&pair.client).register(1).await?;
    let servers_register = OfficeProxy::new(&pair.peer).register(100).await?;
    assert_eq!((clients_register.add(1).await?, servers_register.add(1).await?), (2, 101));
    drop(clients_register);
    server_observed.services.becomes(0).await;
    assert_eq!((servers_register.add(1).await?, client_observed.services.count()), (102, 1));
    drop(servers_register);
    client_observed.services.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_nested_scoped_service_outlives_the_outer_one() -> Result<(), Box<dyn Error>> {
    let (observed, server) = office_server();
    let pair = pair(server);
    let outer = OfficeProxy::new(&pair.client).register(1).await?;
    let inner = outer.below(100).await?;
    let innermost = inner.below(1_000).await?;
    drop((outer, inner));
    observed.services.becomes(1).await;
    assert_eq!(innermost.add(1).await?, 1_001);
    drop(innermost);
    observed.services.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_scoped_service_has_no_reserved_names_and_ignores_the_contracts_channel() -> Result<(), Box<dyn Error>> {
    let (observed, server) = office_server();
    let pair = pair(server);
    let door = OfficeProxy::new(&pair.client).door().await?;
    assert_eq!((door.open().await?, door.close().await?), ("opened".to_owned(), "closed".to_owned()));
    door.message("knock".to_owned()).await?;
    assert_eq!(observed.log.has(1).await, ["knock"]);
    Ok(())
}

#[tokio::test]
async fn scoped_services_beyond_the_limit_are_rejected_and_dropped() -> Result<(), Box<dyn Error>> {
    let (observed, server) = office_server();
    let pair = pair(server.limits(Limits::default().max_open_channels(2)));
    let office = OfficeProxy::new(&pair.client);
    let (one, two) = (office.register(1).await?, office.register(2).await?);
    let refused = office.register(3).await.map(|_| ());
    assert!(matches!(refused, Err(CallError::Rejected(r)) if r.message() == Some("too many open channels")));
    observed.services.becomes(2).await;
    drop(one);
    assert_eq!(office.register(3).await?.add(1).await?, 4);
    assert_eq!(two.add(1).await?, 3);
    Ok(())
}
