//! The size of a value as JSON.

use serde::Serialize;
use std::io;

/// Counts the bytes that are written.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the length of a value as JSON, in bytes. Of one that cannot be encoded it counts what comes before the error.
pub(crate) fn json_size<T: Serialize + ?Sized>(value: &T) -> usize {
    let mut count = Count(0);
    // Counting cannot fail, and the value is encoded again when it is sent.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

#[cfg(test)]
mod tests {
    use super::json_size;

    #[test]
    fn the_size_is_that_of_the_encoded_value() {
        let value = ("a \"quoted\" text\n", [1.5, 2.0], Some("é"));
        assert_eq!(json_size(&value), serde_json::to_vec(&value).expect("it can be encoded").len());
    }
}
