//! A call that goes through two servers, as one trace in a collector of OpenTelemetry.
//!
//! Run `cargo run --example observed --features otlp`. It exports its spans by OTLP to a collector at port 4318 of this
//! machine, or at `--collector`. Jaeger is one:
//! `docker run --rm -p 16686:16686 -p 4318:4318 jaegertracing/jaeger`.

mod arguments;

use lexopt::prelude::*;
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::error::Error;
use tracing::{Span, info};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use wswrapper::observe::{Propagator, Spans, TraceContext};
use wswrapper::{Client, Server, ws_handlers, ws_service};

/// Connects the spans of both endpoints with `tracing-opentelemetry`.
struct OpenTelemetry;

impl Propagator for OpenTelemetry {
    fn set_parent(&self, span: &Span, caller: &TraceContext) {
        let caller = SpanContext::new(
            caller.trace_id().get().into(),
            caller.span_id().get().into(),
            TraceFlags::new(caller.flags()),
            true,
            caller.state().and_then(|state| state.parse().ok()).unwrap_or_default(),
        );
        let parent = opentelemetry::Context::new().with_remote_span_context(caller);
        if let Err(error) = span.set_parent(parent) {
            eprintln!("the span has no parent: {error}");
        }
    }

    fn trace_context(&self, span: &Span) -> Option<TraceContext> {
        let context = span.context();
        let span = context.span();
        let span = span.span_context();
        let parent = format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8());
        TraceContext::read(&parent, Some(&span.trace_state().header()))
    }
}

fn spans() -> Spans {
    Spans::new().propagator(OpenTelemetry)
}

#[ws_service(channel = "stock")]
trait Stock {
    async fn price(&self, of: String) -> u32;
}

struct Shelf;

#[ws_handlers]
impl Stock for Shelf {
    async fn price(&self, of: String) -> u32 {
        info!("somebody wants {of}"); // an event in the span of the handler
        12
    }
}

#[ws_service(channel = "shop")]
trait Shop {
    async fn total(&self, of: String, count: u32) -> Result<u32, String>;
}

/// Asks another server for the price.
struct Counter(StockProxy);

#[ws_handlers]
impl Shop for Counter {
    async fn total(&self, of: String, count: u32) -> Result<u32, String> {
        let price = self.0.price(of).await.map_err(|error| error.to_string())?;
        Ok(count * price)
    }
}

/// Serves at a free port, and returns a client of the server.
async fn connected(server: wswrapper::server::ServerBuilder) -> Result<Client, Box<dyn Error>> {
    let listener = server.spans(spans()).bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr());
    tokio::spawn(listener.serve());
    Ok(Client::builder().spans(spans()).connect(&url).await?)
}

async fn buy() -> Result<(), Box<dyn Error>> {
    let stock = connected(Server::builder().service(Shelf)).await?;
    let shop = connected(Server::builder().service(Counter(StockProxy::new(&stock)))).await?;
    let total = ShopProxy::new(&shop).total("tea".to_owned(), 3).await?;
    println!("three packets of tea are {total}");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let collector = collector();
    // The exporter has a thread of its own, and may not be created or dropped by the runtime.
    let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpJson);
    let exporter = exporter.with_endpoint(format!("{collector}/v1/traces")).build()?;
    let resource = Resource::builder().with_service_name("observed").build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(provider.tracer("observed"))).init();

    tokio::runtime::Runtime::new()?.block_on(buy())?;
    provider.force_flush()?;
    provider.shutdown()?;
    println!("the spans are at {collector}");
    Ok(())
}

/// Returns the URL of the collector.
fn collector() -> String {
    let parse = || -> Result<Option<String>, lexopt::Error> {
        let mut collector = "http://127.0.0.1:4318".to_owned();
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("collector") => collector = arguments.value()?.string()?,
                Long("help") | Short('h') => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(collector))
    };
    arguments::or_exit(parse(), "Usage: observed [--collector URL]\n")
}
