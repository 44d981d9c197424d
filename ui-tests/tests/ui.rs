//! Code that has to compile, and the compile errors of code that must not.

use std::env;
use std::io::Write as _;
use std::process::Command;

use trybuild::TestCases;

/// The compiler that wrote `fail/*.stderr`. The texts differ between releases.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn valid_code_compiles() {
    TestCases::new().pass("pass/*.rs");
}

#[test]
fn invalid_code_gives_the_expected_errors() {
    let compiler = compiler();
    if compiler.starts_with(COMPILER) {
        TestCases::new().compile_fail("fail/*.rs");
        return;
    }
    assert!(env::var_os("CI").is_none(), "the expected errors are those of {COMPILER}x, this is {compiler}");
    // Written directly, because the test harness captures `eprintln!` of tests that pass.
    let _ = writeln!(std::io::stderr(), "SKIPPED: the expected errors are those of {COMPILER}x, this is {compiler}");
}

fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc can be run");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
