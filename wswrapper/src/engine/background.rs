//! Background work: tasks that outlive the calls from which they were started, and not their server or client.

use super::shared::{LocalEndpoint, Shared};
use super::spans::CallScope;
use super::warnings::OneLine;
use crate::catch_panic::{catch_panic, drop_catching_panic};
use crate::error::{ServiceError, SpawnError};
use crate::lock::lock;
use crate::proto::TraceContext;
use crate::rt::RuntimeHandle;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::sync::{Notify, SetOnce};

/// The work of a background task.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Counts the background tasks of one server or client, and cuts them off at its end.
///
/// The runtime owns the tasks. Each of them waits for the cut beside its work, so there is no table of them.
pub(crate) struct BackgroundTasks {
    max: usize,
    state: Mutex<State>,
    /// Set when the tasks are cut off.
    cut: SetOnce<()>,
    /// Notified when the last task has ended.
    ended: Notify,
}

#[derive(Default)]
struct State {
    running: usize,
    /// The tasks that were cut off.
    cut_off: usize,
    /// True once no more tasks may start.
    is_closed: bool,
}

/// Counts a task until it is dropped.
struct CountedTask {
    tasks: Arc<BackgroundTasks>,
    /// True if the work has finished or panicked.
    has_finished: bool,
}

/// The part of a server or client that a panic is reported to.
enum Origin {
    /// The connection of a call.
    Call(Arc<Shared>),
    Endpoint(Arc<LocalEndpoint>),
}

/// A background task. The fields are dropped in their order, so a task that was dropped is counted until its work is gone.
struct Task {
    work: Work,
    scope: CallScope,
    origin: Origin,
    counted: CountedTask,
}

impl BackgroundTasks {
    /// Allows `max` tasks at a time.
    pub(crate) fn new(max: usize) -> Self {
        Self { max, state: Mutex::default(), cut: SetOnce::new(), ended: Notify::new() }
    }

    /// Counts a task that is about to start.
    fn count(self: &Arc<Self>) -> Result<CountedTask, SpawnError> {
        let mut state = lock(&self.state);
        if state.is_closed {
            return Err(SpawnError::Closed);
        }
        if state.running >= self.max {
            return Err(SpawnError::Full);
        }
        state.running += 1;
        Ok(CountedTask { tasks: Arc::clone(self), has_finished: false })
    }

    /// Returns the number of running tasks.
    pub(crate) fn running(&self) -> usize {
        lock(&self.state).running
    }

    /// Returns the number of tasks that were cut off.
    pub(crate) fn were_cut_off(&self) -> usize {
        lock(&self.state).cut_off
    }

    /// Waits until no task runs. Cancel-safe.
    pub(crate) async fn ended(&self) {
        loop {
            let ended = self.ended.notified();
            // A task that ends after this notifies.
            if self.running() == 0 {
                return;
            }
            ended.await;
        }
    }

    /// Drops the work of all tasks when they are polled next, which is soon, and lets no more tasks start.
    pub(crate) fn cut_off(&self) {
        lock(&self.state).is_closed = true;
        let _ = self.cut.set(());
    }
}

impl Drop for CountedTask {
    fn drop(&mut self) {
        let mut state = lock(&self.tasks.state);
        state.running -= 1;
        state.cut_off += usize::from(!self.has_finished);
        let is_last = state.running == 0;
        drop(state);
        if is_last {
            self.tasks.ended.notify_waiters();
        }
    }
}

impl LocalEndpoint {
    /// Starts a background task on the current runtime, which is there.
    pub(crate) fn spawn_background(self: &Arc<Self>, work: Work) -> Result<(), SpawnError> {
        spawn(&self.background, CallScope::default(), Origin::Endpoint(Arc::clone(self)), work)
    }
}

impl Shared {
    /// Starts a background task for a call with this place in a trace, on the current runtime, which is there.
    pub(crate) fn spawn_background(
        self: &Arc<Self>,
        trace: Option<&TraceContext>,
        work: Work,
    ) -> Result<(), SpawnError> {
        let scope = CallScope::background(self, trace);
        spawn(&self.endpoint.background, scope, Origin::Call(Arc::clone(self)), work)
    }
}

fn spawn(tasks: &Arc<BackgroundTasks>, scope: CallScope, origin: Origin, work: Work) -> Result<(), SpawnError> {
    // Before the task is counted, because it panics without a runtime.
    let runtime = RuntimeHandle::current();
    let counted = tasks.count()?;
    runtime.spawn(Task { work, scope, origin, counted }.run());
    Ok(())
}

impl Task {
    /// Runs until the work has finished or panicked, or is cut off.
    async fn run(self) {
        let mut task = self;
        let tasks = Arc::clone(&task.counted.tasks);
        let finished = {
            let mut cut = pin!(tasks.cut.wait());
            let mut is_registered = false;
            // The waker of a task stays the same, so it is registered once.
            let mut is_cut = |cx: &mut Context<'_>| {
                if std::mem::replace(&mut is_registered, true) {
                    tasks.cut.get().is_some()
                } else {
                    cut.as_mut().poll(cx).is_ready()
                }
            };
            poll_fn(|cx| if is_cut(cx) { Poll::Ready(None) } else { task.poll_work(cx).map(Some) }).await
        };
        let Self { work, scope, origin, mut counted } = task;
        counted.has_finished = finished.is_some();
        let dropped = {
            let _entered = scope.enter();
            drop_catching_panic(work)
        };
        for panicked in [finished.unwrap_or(Ok(())), dropped] {
            if let Err(message) = panicked {
                origin.report(message);
            }
        }
        drop((scope, origin));
        drop(counted);
    }

    fn poll_work(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        let _entered = self.scope.enter();
        match catch_panic(|| self.work.as_mut().poll(cx)) {
            Ok(polled) => polled.map(Ok),
            Err(message) => Poll::Ready(Err(message)),
        }
    }
}

impl Origin {
    /// Reports a panic of the work.
    fn report(&self, message: String) {
        let error = ServiceError::BackgroundPanicked { message };
        match self {
            Self::Call(shared) => shared.report(&error),
            Self::Endpoint(endpoint) => {
                tracing::warn!("{}", OneLine(&error));
                endpoint.observers.tell_endpoint_error(&error);
            }
        }
    }
}
