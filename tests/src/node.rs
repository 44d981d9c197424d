//! Node and npm. Where they are missing, a test that needs them is skipped with a line on the terminal; in CI it fails.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Returns the npm package `tests/peers/<name>` with its dependencies installed, or `None` where Node is missing.
pub fn package(name: &str) -> Option<PathBuf> {
    if let Some(missing) = ["node", NPM].into_iter().find(|tool| !runs(tool)) {
        skip(missing);
        return None;
    }
    let package = directory(name);
    install(&package);
    Some(package)
}

/// Returns the directory `tests/peers/<name>`, where scripts are.
pub fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

/// Reports a skipped test. The text goes past the capture of a test's output.
pub fn skip(missing: &str) {
    assert!(env::var_os("CI").is_none(), "`{missing}` is missing, and CI does not allow skipped tests");
    // An error means that stderr is closed.
    let _ = writeln!(io::stderr(), "SKIPPED: `{missing}` is missing");
}

/// Returns true if the program can be run.
pub fn runs(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Installs the packages of the lock file, unless they are installed. Other tests and processes wait meanwhile.
fn install(package: &Path) {
    let name = package.file_name().expect("a package has a name").to_string_lossy();
    let turn = File::create(crate::target_directory().join(format!("npm-{name}.lock")));
    let turn = turn.expect("the target directory is writable");
    turn.lock().expect("the file can be locked");
    let wanted = fs::read(package.join("package-lock.json")).expect("there is a lock file");
    let installed = package.join("node_modules/.installed");
    if fs::read(&installed).is_ok_and(|have| have == wanted) {
        return;
    }
    let npm = Command::new(NPM).args(["ci", "--no-audit", "--no-fund"]).current_dir(package).output();
    let npm = npm.expect("npm can be run");
    assert!(npm.status.success(), "npm ci failed: {}", String::from_utf8_lossy(&npm.stderr));
    fs::write(installed, wanted).expect("the target directory is writable");
}
