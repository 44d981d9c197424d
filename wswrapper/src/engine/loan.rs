//! The loan of the output to a future that has no access to the driver's arguments.
//!
//! An `async` block can be polled with a waker only. So the output is moved into the connection's slot before the poll
//! and moved back after it, by guards, so that a panic loses nothing.

use super::answers::{Answers, Progress};
use super::call_state::CallState;
use super::handler::BoxRunning;
use super::layers::Reply;
use super::shared::Shared;
use crate::lock::lock;
use crate::transport::Output;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, ThreadId};

/// The slot of a connection for a loan. One is enough, because the driver polls one handler at a time.
#[derive(Default)]
pub(crate) struct LoanSlot {
    loan: Mutex<Option<Loan>>,
    left: Mutex<Option<LeftByLayer>>,
}

/// The thing that a layer leaves to the one around it, or to its own future, during one poll.
pub(crate) enum LeftByLayer {
    /// The handler whose channel is open, and which continues beside its layer.
    Tail(BoxRunning),
    /// The reply of a layer whose call no handler has responded to.
    Reply(Reply),
}

/// The owned parts of [`Answers`].
struct Loan {
    output: Output,
    progress: Progress,
    /// The layers of a call, and the thread that polls them.
    borrower: Option<(Owner, ThreadId)>,
}

/// The identity of a call whose layers borrow the output. Their program could poll a part of them elsewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner(usize);

impl Owner {
    /// Returns the identity of the call with this state.
    pub(crate) fn of(state: &Arc<CallState>) -> Self {
        Self(Arc::as_ptr(state).addr())
    }
}

impl Loan {
    fn answers<'d>(&'d mut self, shared: &'d Arc<Shared>) -> Answers<'d> {
        Answers::new(shared, &mut self.output, &mut self.progress)
    }
}

impl Answers<'_> {
    /// Moves the output out, until it is [taken back](Self::take_back).
    fn lend(&mut self, borrower: Option<(Owner, ThreadId)>) -> Loan {
        Loan { output: mem::replace(self.output, Output::texts()), progress: mem::take(self.progress), borrower }
    }

    fn take_back(&mut self, Loan { output, progress, .. }: Loan) {
        (*self.output, *self.progress) = (output, progress);
    }
}

impl LoanSlot {
    /// Lends the output while `poll` polls a future.
    pub(crate) fn lend_while<R>(&self, answers: &mut Answers<'_>, poll: impl FnOnce() -> R) -> R {
        self.lend(None, answers, poll)
    }

    /// Lends the output to the layers of a call while `poll` polls one of them.
    pub(crate) fn lend_to<R>(&self, owner: Owner, answers: &mut Answers<'_>, poll: impl FnOnce() -> R) -> R {
        self.lend(Some((owner, thread::current().id())), answers, poll)
    }

    fn lend<R>(&self, borrower: Option<(Owner, ThreadId)>, answers: &mut Answers<'_>, poll: impl FnOnce() -> R) -> R {
        struct TakeBack<'a, 'd>(&'a LoanSlot, &'a mut Answers<'d>);
        impl Drop for TakeBack<'_, '_> {
            fn drop(&mut self) {
                if let Some(loan) = self.0.lock().take() {
                    self.1.take_back(loan);
                }
            }
        }
        *self.lock() = Some(answers.lend(borrower));
        let _take_back = TakeBack(self, answers);
        poll()
    }

    /// Calls `f` with the loan, or returns `None` if nothing is lent.
    ///
    /// Only the future that is being polled calls this. The loan is taken out of the slot, so no lock is held during
    /// `f`.
    pub(crate) fn with<T>(&self, shared: &Arc<Shared>, f: impl FnOnce(&mut Answers<'_>) -> T) -> Option<T> {
        let loan = self.lock().take();
        self.with_loan(loan, shared, f)
    }

    /// Calls `f` with the loan, or returns `None` if nothing is lent to the layers of this call on this thread.
    pub(crate) fn with_owner<T>(
        &self,
        owner: Owner,
        shared: &Arc<Shared>,
        f: impl FnOnce(&mut Answers<'_>) -> T,
    ) -> Option<T> {
        let borrower = Some((owner, thread::current().id()));
        let loan = self.lock().take_if(|loan| loan.borrower == borrower)?;
        self.with_loan(Some(loan), shared, f)
    }

    fn with_loan<T>(
        &self,
        loan: Option<Loan>,
        shared: &Arc<Shared>,
        f: impl FnOnce(&mut Answers<'_>) -> T,
    ) -> Option<T> {
        struct PutBack<'a>(&'a LoanSlot, Option<Loan>);
        impl Drop for PutBack<'_> {
            fn drop(&mut self) {
                *self.0.lock() = self.1.take();
            }
        }
        let mut put_back = PutBack(self, loan);
        put_back.1.as_mut().map(|loan| f(&mut loan.answers(shared)))
    }

    /// Leaves something, which is taken before the poll has returned to the driver.
    pub(crate) fn leave(&self, left: LeftByLayer) {
        *lock(&self.left) = Some(left);
    }

    /// Takes what was left.
    pub(crate) fn take_left(&self) -> Option<LeftByLayer> {
        lock(&self.left).take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Loan>> {
        lock(&self.loan)
    }
}
