//! A server as a service inside an axum application.

use super::{TestService, TestServiceProxy, listen};
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{self, Next};
use axum::routing::get;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use wswrapper::{
    Client, Context, Peer, Server,
    error::{ConnectError, Rejection},
    server::{Refusal, ServerBuilder},
    ws_handlers,
};
use wswrapper_tests::{Alive, Guard, until};

/// A user, as a layer finds it. Counted while it lives.
#[derive(Clone)]
struct User(String, #[expect(dead_code, reason = "counted by its drop")] Arc<Guard>);

/// Returns an application with the server at `/ws` behind a layer that adds a user, and the number of live users.
fn application(server: &Server) -> (Router, Alive) {
    let users = Alive::default();
    let count = users.clone();
    let add_user = move |mut request: Request, next: Next| {
        let user = User("Ada".to_owned(), Arc::new(count.guard()));
        request.extensions_mut().insert(user);
        next.run(request)
    };
    let application = Router::new()
        .route("/", get(|| async { "<p>hello" }))
        .route_service("/ws", server.clone())
        .layer(middleware::from_fn(add_user));
    (application, users)
}

async fn serve(builder: ServerBuilder) -> (Server, SocketAddr, Alive) {
    let server = builder.service(TestService).build().expect("the services can be mounted");
    let (listener, address) = listen().await;
    let (application, users) = application(&server);
    let application = application.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, application).await });
    (server, address, users)
}

/// A service with an object for each connection, which takes the user from the request.
struct Session(Option<String>);

#[ws_handlers(channel = "session")]
impl Session {
    pub fn user(&self) -> Option<String> {
        self.0.clone()
    }

    pub fn later(&self, ctx: Context) -> Option<String> {
        ctx.extension::<User>().map(|user| user.0)
    }
}

fn session(peer: &Peer) -> Session {
    Session(peer.extension::<User>().map(|user| user.0))
}

#[tokio::test]
async fn an_application_serves_pages_and_websockets_on_one_port() -> Result<(), Box<dyn Error>> {
    let (server, address, _) = serve(Server::builder()).await;
    let client = Client::connect(&format!("ws://{address}/ws")).await?;
    assert_eq!(TestServiceProxy::new(&client).echo("hello").await?, "hello");
    let missing = Client::connect(&format!("ws://{address}/missing")).await;
    assert!(matches!(missing, Err(ConnectError::Refused { .. })));
    server.close();
    assert_eq!(client.closed().await.code, 1001);
    let closing = Client::connect(&format!("ws://{address}/ws")).await;
    assert!(matches!(closing, Err(ConnectError::Refused { status, .. }) if status == 503));
    Ok(())
}

#[tokio::test]
async fn extensions_of_the_request_are_seen_while_the_connection_opens() -> Result<(), Box<dyn Error>> {
    let builder = Server::builder()
        .authenticate(|request| async move {
            let user = request.extensions.get::<User>().ok_or(Refusal::new(http::StatusCode::UNAUTHORIZED))?;
            Ok(user.0.len())
        })
        .service_with(session)
        .on_open(|peer| async move {
            let user: User = peer.extension().ok_or_else(|| Rejection::new("nobody"))?;
            tokio::task::yield_now().await;
            if user.0 == "Ada" { Ok(()) } else { Err(Rejection::new("somebody else")) }
        });
    let (server, address, users) = serve(builder).await;
    let client = Client::connect(&format!("ws://{address}/ws")).await?;
    let session = SessionProxy::new(&client);
    assert_eq!(session.user().await?.as_deref(), Some("Ada"));
    assert_eq!(server.peers()[0].extension::<usize>(), Some(3));
    // The request's extensions are dropped when the hook has returned.
    assert_eq!(session.later().await?, None);
    assert_eq!(users.count(), 0);
    Ok(())
}

#[tokio::test]
async fn kept_extensions_stay_until_the_connection_closes() -> Result<(), Box<dyn Error>> {
    let builder = Server::builder().keep_extension::<User>().service_with(session);
    let (_server, address, users) = serve(builder).await;
    let client = Client::connect(&format!("ws://{address}/ws")).await?;
    let session = SessionProxy::new(&client);
    assert_eq!(session.user().await?.as_deref(), Some("Ada"));
    assert_eq!(session.later().await?.as_deref(), Some("Ada"));
    assert_eq!(users.count(), 1);
    client.close(1000, "");
    client.closed().await;
    until(|| users.count() == 0).await;
    Ok(())
}

#[tokio::test]
async fn the_address_of_a_client_is_found_in_its_connect_info() -> Result<(), Box<dyn Error>> {
    let find = |request: &http::request::Parts| Some(request.extensions.get::<ConnectInfo<SocketAddr>>()?.0);
    let (server, address, _) = serve(Server::builder().remote_addr(find)).await;
    let client = Client::connect(&format!("ws://{address}/ws")).await?;
    let remote_addr = server.peers()[0].handshake().remote_addr();
    assert!(remote_addr.is_some_and(|address| address.ip().is_loopback()), "{remote_addr:?}");
    assert!(client.is_open());
    Ok(())
}

#[tokio::test]
async fn a_request_that_cannot_be_upgraded_is_refused() -> Result<(), Box<dyn Error>> {
    use tower_service::Service;
    let mut server = Server::builder().build()?;
    let request = http::Request::get("/")
        .header("Host", "x")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(wswrapper::server::Body::empty())?;
    assert_eq!(server.call(request).await?.status(), 426);
    Ok(())
}
