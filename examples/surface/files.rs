//! The channel `io`: files in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use wswrapper::ws_handlers;

const MAX_FILES: usize = 1_000;
/// Bytes of all names and contents.
const MAX_BYTES: usize = 64 << 20;

/// The files by name.
pub(crate) struct Files(Mutex<HashMap<String, String>>);

impl Default for Files {
    fn default() -> Self {
        Self(Mutex::new(HashMap::from([("hello.txt".to_owned(), "hello, world".to_owned())])))
    }
}

#[ws_handlers(channel = "io")]
impl Files {
    pub async fn read_file(&self, name: String) -> Result<String, String> {
        self.lock().get(&name).cloned().ok_or_else(|| format!("no such file: {name}"))
    }

    pub async fn write_file(&self, name: String, content: String) -> Result<(), String> {
        let mut files = self.lock();
        if files.len() >= MAX_FILES && !files.contains_key(&name) {
            return Err(format!("there are {MAX_FILES} files already"));
        }
        let others = files.iter().filter(|(other, _)| **other != name);
        let bytes: usize = others.map(|(name, content)| name.len() + content.len()).sum();
        if bytes + name.len() + content.len() > MAX_BYTES {
            return Err(format!("all files together have at most {MAX_BYTES} bytes"));
        }
        files.insert(name, content);
        Ok(())
    }
}

impl Files {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
