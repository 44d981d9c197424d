//! The names of channels that observers see.

use super::{DocProxy, Docs};
use metrics_exporter_prometheus::PrometheusBuilder;
use std::error::Error;
use wswrapper::Server;
use wswrapper::observe::{CallEnd, CallInfo, ConnectionView, Interest, Metrics, Observer};
use wswrapper_tests::{Log, pair};

#[tokio::test]
async fn metrics_are_labelled_by_the_pattern() -> Result<(), Box<dyn Error>> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let pair = pair(Server::builder().service(Docs::default()).metrics(Metrics::to_recorder(recorder)));
    for id in 0..100 {
        DocProxy::new(&pair.client, id).text(1).await?;
        let unknown = pair.client.channel(&format!("doc/x{id}"));
        unknown.request::<()>("spawned", ()).await.expect_err("no number");
    }
    let text = handle.render();
    let mut calls: Vec<_> = text.lines().filter(|line| line.starts_with("wswrapper_calls_total")).collect();
    calls.sort_unstable();
    assert_eq!(
        calls,
        [
            r#"wswrapper_calls_total{channel="(unknown)",event="(unknown)",outcome="rejected"} 100"#,
            r#"wswrapper_calls_total{channel="doc/{id}",event="text",outcome="ok"} 100"#,
        ]
    );
    Ok(())
}

struct Names(Log);

impl Observer for Names {
    fn interest(&self) -> Interest {
        Interest::CALLS
    }

    fn call_started(&self, _: &ConnectionView<'_>, call: &CallInfo<'_>) {
        self.0.add(format!("{:?} {:?} {}", call.channel, call.channel_name, call.is_handled));
    }

    fn call_finished(&self, _: &ConnectionView<'_>, call: &CallInfo<'_>, _: &CallEnd<'_>) {
        self.0.add(format!("{:?} {:?} {}", call.channel, call.channel_name, call.is_handled));
    }
}

#[tokio::test(start_paused = true)]
async fn observers_see_the_pattern_and_the_name() -> Result<(), Box<dyn Error>> {
    let (log, messages) = (Log::default(), Log::default());
    let server = Server::builder().service(Docs::default()).observer(Names(log.clone())).on_message({
        let messages = messages.clone();
        move |_, message| messages.add(format!("{:?}", message.channel))
    });
    let pair = pair(server);
    DocProxy::new(&pair.client, 7).text(1).await?;
    assert_eq!(log.take(), [r#"Some("doc/{id}") Some("doc/7") true"#; 2]);
    assert_eq!(messages.take(), [r#"Some("doc/7")"#; 2]);
    pair.client.channel("doc/x").request::<()>("spawned", ()).await.expect_err("no number");
    assert_eq!(log.take(), [r#"Some("doc/{id}") Some("doc/x") false"#]);
    pair.client.channel("img/x").request::<()>("spawned", ()).await.expect_err("nothing is there");
    assert_eq!(log.take(), [r#"Some("img/x") Some("img/x") false"#]);
    Ok(())
}
