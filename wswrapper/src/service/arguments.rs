//! The errors of wrong arguments. Each mistake of a caller has its own.

use super::invocation::Invocation;
use crate::engine::{Answering, BadCall};
use crate::proto::{ArgumentsError, Rejection, code};

impl<S: Send + Sync + 'static> Invocation<'_, S> {
    /// Checks that all arguments were decoded, and returns the call to answer.
    pub(super) fn finish_arguments(&mut self) -> Result<Answering, BadCall> {
        match self.start.arguments.finish() {
            Ok(0) => Ok(Answering {
                id: self.start.call.id,
                event: self.event.clone(),
                hint: self.start.text.len(),
                inherited: self.start.inherited.cloned(),
            }),
            Ok(surplus) => Err(self.wrong_count("many", self.parameters.len() + surplus)),
            Err(error) => Err(self.bad_argument(error)),
        }
    }

    #[cold]
    pub(super) fn bad_argument(&mut self, error: ArgumentsError) -> BadCall {
        let taken = self.start.arguments.taken();
        match error {
            ArgumentsError::NotJson => BadCall::NotJson,
            ArgumentsError::Missing => self.wrong_count("few", taken),
            ArgumentsError::Decode(error) => {
                // A closure's parameters have no names.
                let name = self.parameters.get(taken).filter(|name| !name.is_empty());
                let name = name.map_or_else(String::new, |name| format!(" (`{name}`)"));
                let error = reason_of(&error);
                bad_arguments(format!("argument {}{name} of `{}`: {error}", taken + 1, &*self.event))
            }
        }
    }

    #[cold]
    fn wrong_count(&self, what: &str, received: usize) -> BadCall {
        let names = self.parameters.iter().filter(|name| !name.is_empty());
        let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
        let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        bad_arguments(format!(
            "too {what} arguments for `{}`: expected {}{names}, got {received}",
            &*self.event,
            self.parameters.len(),
        ))
    }
}

fn bad_arguments(text: String) -> BadCall {
    BadCall::Rejected(Rejection::new(text).with_code(code::BAD_ARGUMENTS))
}

/// The number of characters of a decoder's error in a rejection. The error may contain a text of the caller.
const MAX_REASON_CHARS: usize = 256;

/// Returns the error's text without line and column, because they are relative to a part of the frame. A long text is
/// cut.
fn reason_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&position).unwrap_or(&text);
    match text.char_indices().nth(MAX_REASON_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
