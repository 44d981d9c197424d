//! The loan of the output to a future that has no access to the driver's arguments.
//!
//! An `async` block can be polled with a waker only. So the output is moved into the connection's slot before the poll
//! and moved back after it, by guards, so that a panic loses nothing.

use super::answers::{Answers, Progress};
use super::shared::Shared;
use crate::lock::lock;
use crate::transport::Output;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};

/// The slot of a connection for a loan. One is enough, because the driver polls one handler at a time.
#[derive(Default)]
pub(crate) struct LoanSlot(Mutex<Option<Loan>>);

/// The owned parts of [`Answers`].
struct Loan {
    output: Output,
    progress: Progress,
}

impl Loan {
    fn answers<'d>(&'d mut self, shared: &'d Arc<Shared>) -> Answers<'d> {
        Answers::new(shared, &mut self.output, &mut self.progress)
    }
}

impl Answers<'_> {
    /// Moves the output out, until it is [taken back](Self::take_back).
    fn lend(&mut self) -> Loan {
        Loan { output: mem::replace(self.output, Output::texts()), progress: mem::take(self.progress) }
    }

    fn take_back(&mut self, Loan { output, progress }: Loan) {
        (*self.output, *self.progress) = (output, progress);
    }
}

impl LoanSlot {
    /// Lends the output while `poll` polls a future.
    pub(crate) fn lend_while<R>(&self, answers: &mut Answers<'_>, poll: impl FnOnce() -> R) -> R {
        struct TakeBack<'a, 'd>(&'a LoanSlot, &'a mut Answers<'d>);
        impl Drop for TakeBack<'_, '_> {
            fn drop(&mut self) {
                if let Some(loan) = self.0.lock().take() {
                    self.1.take_back(loan);
                }
            }
        }
        *self.lock() = Some(answers.lend());
        let _take_back = TakeBack(self, answers);
        poll()
    }

    /// Calls `f` with the loan, or returns `None` if nothing is lent.
    ///
    /// Only the future that is being polled calls this. The loan is taken out of the slot, so no lock is held during
    /// `f`.
    pub(crate) fn with<T>(&self, shared: &Arc<Shared>, f: impl FnOnce(&mut Answers<'_>) -> T) -> Option<T> {
        struct PutBack<'a>(&'a LoanSlot, Option<Loan>);
        impl Drop for PutBack<'_> {
            fn drop(&mut self) {
                *self.0.lock() = self.1.take();
            }
        }
        let loan = self.lock().take();
        let mut put_back = PutBack(self, loan);
        put_back.1.as_mut().map(|loan| f(&mut loan.answers(shared)))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Loan>> {
        lock(&self.0)
    }
}
