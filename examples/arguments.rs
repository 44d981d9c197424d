//! Parses the command lines of the examples. Not needed to understand them.

#![allow(dead_code, reason = "each example uses a part")]

use lexopt::prelude::*;
use std::fmt::Display;
use std::process::exit;

const PROGRAM: &str = env!("CARGO_BIN_NAME");

/// Accepts no arguments except `--help`.
pub(crate) fn none() {
    let parsed = match lexopt::Parser::from_env().next() {
        Ok(None) => Ok(Some(())),
        Ok(Some(Long("help") | Short('h'))) => Ok(None),
        Ok(Some(other)) => Err(other.unexpected()),
        Err(error) => Err(error),
    };
    or_exit(parsed, &format!("Usage: {PROGRAM}\n"));
}

/// Returns the values of `--host` and `--port`, by default 127.0.0.1 and 8080.
pub(crate) fn host_and_port(help: &str) -> (String, u16) {
    let parse = || -> Result<Option<(String, u16)>, lexopt::Error> {
        let (mut host, mut port) = ("127.0.0.1".to_owned(), 8080);
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("port") | Short('p') => port = arguments.value()?.parse()?,
                Long("host") => host = arguments.value()?.string()?,
                Long("help") | Short('h') => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some((host, port)))
    };
    or_exit(parse(), help)
}

/// Returns the parsed arguments, or prints `help` and exits. `Ok(None)` stands for `--help`; an error exits with 2.
pub(crate) fn or_exit<T>(parsed: Result<Option<T>, impl Display>, help: &str) -> T {
    match parsed {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{help}");
            exit(0);
        }
        Err(error) => {
            eprint!("{PROGRAM}: {error}\n\n{help}");
            exit(2);
        }
    }
}
