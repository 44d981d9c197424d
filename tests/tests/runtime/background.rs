//! Background work of servers and clients.

mod ends;

use serde_json::{Value, json};
use std::error::Error;
use std::future::{pending, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use tokio::time::sleep;
use wswrapper::error::{ServiceError, SpawnError};
use wswrapper::observe::{ConnectionView, Observer};
use wswrapper::server::ServerBuilder;
use wswrapper::{Context, Limits, Server, ws_handlers};
use wswrapper_tests::{Alive, Guard, Log, RawPeer, SECOND, let_others_run, pair};

/// Longer than any test takes on the paused clock.
const LONG: Duration = Duration::from_hours(1);

#[derive(Clone, Default)]
struct Desk {
    /// The work that is not dropped.
    works: Alive,
    log: Log,
}

#[ws_handlers]
impl Desk {
    /// Starts work of this many seconds, and returns true if it was started.
    pub async fn start(&self, ctx: Context, seconds: u32) -> bool {
        ctx.spawn(self.work(seconds)).is_ok()
    }

    /// Starts work of a second, and does not return.
    pub async fn start_and_wait(&self, ctx: Context) {
        ctx.spawn(self.work(1)).expect("it is open");
        pending::<()>().await;
    }

    /// Starts work of a second from a thread that may block.
    #[ws(blocking)]
    pub fn start_in_a_thread(&self, ctx: Context) -> bool {
        ctx.spawn(self.work(1)).is_ok()
    }

    /// Starts work that panics.
    pub async fn panics(&self, ctx: Context) -> bool {
        ctx.spawn(async { panic!("of the test") }).is_ok()
    }

    /// Starts work that panics when it is dropped.
    pub async fn panics_when_dropped(&self, ctx: Context) -> bool {
        let panics = PanicsWhenDropped;
        let work = async move {
            let _panics = &panics;
        };
        ctx.spawn(work).is_ok()
    }

    /// Starts work that calls its caller.
    pub async fn asks(&self, ctx: Context) {
        let caller = ctx.peer();
        let log = self.log.clone();
        let work = async move {
            let answer = caller.request::<u32>("double", (4,)).await;
            log.add(format!("{answer:?}"));
        };
        ctx.spawn(work).expect("it is open");
    }
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("when it was dropped");
    }
}

impl Desk {
    fn work(&self, seconds: u32) -> impl Future<Output = ()> + Send + 'static {
        let (guard, log) = (self.works.guard(), self.log.clone());
        async move {
            let _guard: Guard = guard;
            sleep(SECOND * seconds).await;
            log.add("done");
        }
    }
}

fn desk() -> (Desk, ServerBuilder) {
    let desk = Desk::default();
    (desk.clone(), Server::builder().service(desk))
}

#[tokio::test(start_paused = true)]
async fn work_outlives_its_call_its_cancellation_and_its_connection() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server);
    let service = DeskProxy::new(&pair.client);
    assert!(service.start(2).await?);
    let waiting = tokio::spawn(service.start_and_wait());
    desk.works.becomes(2).await;
    waiting.abort();
    pair.client.close(1000, "");
    pair.peer.closed().await;
    assert_eq!((desk.works.count(), pair.server.status().background_tasks), (2, 2));
    assert_eq!(desk.log.has(2).await, ["done", "done"]);
    let_others_run().await;
    assert_eq!((desk.works.count(), pair.server.status().background_tasks), (0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_blocking_handler_and_the_server_itself_start_work() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server);
    assert!(DeskProxy::new(&pair.client).start_in_a_thread().await?);
    pair.server.spawn(desk.work(1))?;
    assert_eq!(desk.log.has(2).await, ["done", "done"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_no_more_work_starts_until_some_has_finished() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server.limits(Limits::default().max_background_tasks(3)));
    let service = DeskProxy::new(&pair.client);
    for _ in 0..3 {
        assert!(service.start(5).await?);
    }
    assert!(!service.start(5).await?);
    let full = pair.server.spawn(desk.work(5));
    assert_eq!(full, Err(SpawnError::Full));
    assert_eq!(
        full.expect_err("it is full").to_string(),
        "too many background tasks are running: their number is limited by `max_background_tasks`"
    );
    assert_eq!(desk.works.count(), 3, "work that was not started is dropped");
    desk.log.has(3).await;
    let_others_run().await;
    assert!(service.start(5).await?);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_told_to_on_error_also_when_the_work_is_dropped_and_costs_nothing_else() -> Result<(), Box<dyn Error>>
{
    let errors = Log::default();
    let (desk, server) = desk();
    let server = server.on_error({
        let errors = errors.clone();
        move |peer, error| match error {
            ServiceError::BackgroundPanicked { message } => errors.add(format!("{message} {}", peer.id())),
            other => panic!("an unexpected error: {other}"),
        }
    });
    let pair = pair(server);
    let service = DeskProxy::new(&pair.client);
    assert!(service.panics().await?);
    errors.has(1).await;
    assert!(service.panics_when_dropped().await?);
    let id = pair.peer.id();
    assert_eq!(errors.has(2).await, [format!("of the test {id}"), format!("when it was dropped {id}")]);
    let_others_run().await;
    assert_eq!(pair.server.status().background_tasks, 0);
    assert!(service.start(1).await?);
    desk.log.has(1).await;
    assert_eq!(pair.server.shutdown(LONG).await.background_cut_off, 0, "work that has panicked was not cut off");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_servers_own_work_is_told_to_observers() -> Result<(), Box<dyn Error>> {
    struct Panics(Log);

    impl Observer for Panics {
        fn endpoint_error(&self, error: &ServiceError) {
            self.0.add(error.to_string());
        }

        fn error(&self, _: &ConnectionView<'_>, error: &ServiceError) {
            self.0.add(format!("of a connection: {error}"));
        }
    }

    let log = Log::default();
    let server = Server::builder().observer(Panics(log.clone())).build()?;
    server.spawn(async { panic!("of the test") })?;
    assert_eq!(log.has(1).await, ["background work panicked: of the test"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn work_carries_on_the_trace_of_its_call() -> Result<(), Box<dyn Error>> {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (desk, server) = desk();
    let server = server.build()?;
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(&json!({"i": 2, "a": ["asks"], "m": {"tp": PARENT}}).to_string()).await;
    let mut question = raw.receive().await;
    if question.get("a").is_none() {
        // The response of the handler came first.
        question = raw.receive().await;
    }
    assert_eq!((&question["a"], &question["m"]["tp"]), (&json!(["double", 4]), &Value::from(PARENT)));
    raw.send(&json!({"i": question["i"], "d": 8}).to_string()).await;
    assert_eq!(desk.log.has(1).await, ["Ok(8)"]);
    Ok(())
}

/// Work that is woken again and again without waiting.
#[tokio::test(start_paused = true)]
async fn work_that_never_waits_for_anything_can_be_cut_off() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let polls = Arc::new(Mutex::new(0_u64));
    let counted = Arc::clone(&polls);
    server.spawn(poll_fn(move |cx| {
        *counted.lock().expect("no panic") += 1;
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    }))?;
    let_others_run().await;
    let report = server.shutdown(Duration::ZERO).await;
    assert_eq!((report.background_cut_off, Arc::strong_count(&polls)), (1, 1));
    Ok(())
}
