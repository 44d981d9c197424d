//! Results of methods that contain a further `Result`.

use super::Row;
use wswrapper::{CallError, Server, ws_handlers, ws_service};
use wswrapper_tests::{RawPeer, pair};

type Inner = Result<u8, String>;

fn no() -> String {
    "no".to_owned()
}

/// Makes a service for each value that a method returns, and its row.
macro_rules! results {
    ($($type:ty: $($value:expr),+;)+) => {
        vec![$($({
            #[ws_service]
            trait Give {
                async fn give(&self) -> $type;
            }
            struct Service;
            #[ws_handlers]
            impl Give for Service {
                async fn give(&self) -> $type {
                    $value
                }
            }
            Row::new([stringify!($value), "sent"], |response| async move {
                let server = Server::builder().service(Service).build().expect("it can be mounted");
                let (mut raw, _) = RawPeer::dial(&server);
                raw.send(r#"{"a":["give"],"i":1}"#).await;
                assert_eq!(raw.receive_text().await, response);
                let pair = pair(Server::builder().service(Service));
                let received = match GiveProxy::new(&pair.client).give().await {
                    Ok(value) => format!("{value:?}"),
                    Err(CallError::Handler(error)) => format!("Err({error:?})"),
                    Err(other) => panic!("{other:?}"),
                };
                let given: $type = $value;
                // The proxy returns the outer `Result` of a method as its own.
                let given = format!("{given:?}");
                let unwrapped = given.strip_prefix("Ok(").and_then(|given| given.strip_suffix(')'));
                assert_eq!(received, unwrapped.unwrap_or(&given));
            })
        }),+),+]
    };
}

pub(super) fn results() -> Vec<Row> {
    results! {
        Option<Inner>: Some(Inner::Ok(1)), Some(Inner::Err(no())), None::<Inner>;
        Result<Inner, String>: Ok(Inner::Ok(1)), Ok(Inner::Err(no())), Err(no());
        Result<Option<u8>, String>: Ok(None), Ok(Some(1));
        Result<(), String>: Ok(());
    }
}
