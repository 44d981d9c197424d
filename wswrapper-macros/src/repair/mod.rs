//! Corrections of mistakes that have been reported. Without them rustc would report the mistakes again, or would give
//! the opposite advice.

mod async_trait;
mod attributes;
mod streams;
mod unfinished;

pub(crate) use self::attributes::attributes;
pub(crate) use self::unfinished::unfinished;

use crate::errors::Errors;
use crate::parse::Member;

/// Corrects the signatures of methods.
pub(crate) fn members(members: &mut [Member], errors: &mut Errors) {
    async_trait::restore_methods(members, errors);
    streams::correct_return_types(members, errors);
}
