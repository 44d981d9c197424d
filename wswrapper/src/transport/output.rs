//! The buffer into which frames are written in place.

use std::collections::VecDeque;

/// Text frames on their way out, framed as the transport needs them.
#[derive(Debug)]
pub struct Output {
    bytes: Vec<u8>,
    /// How much of the bytes has been written, where they are written as a stream.
    written: usize,
    framing: Framing,
}

#[derive(Debug)]
enum Framing {
    /// WebSocket frames of a server.
    #[cfg(feature = "tungstenite")]
    Unmasked,
    /// WebSocket frames of a client.
    #[cfg(feature = "tungstenite")]
    Masked,
    /// The bare texts, with the lengths of those that are complete, and how many bytes of them have been taken.
    Lengths { lengths: VecDeque<usize>, taken: usize },
}

impl Output {
    /// Keeps the texts apart, to be taken by [`take_text`](Self::take_text).
    pub fn texts() -> Self {
        Self { bytes: Vec::new(), written: 0, framing: Framing::Lengths { lengths: VecDeque::new(), taken: 0 } }
    }

    #[cfg(feature = "tungstenite")]
    pub(super) fn websocket(masked: bool) -> Self {
        Self { bytes: Vec::new(), written: 0, framing: if masked { Framing::Masked } else { Framing::Unmasked } }
    }

    /// Writes a text frame in place. `hint` guesses its length; if `write` fails or panics, nothing is left of it.
    pub fn text<E>(&mut self, hint: usize, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let start = self.bytes.len();
        let head = self.framing.head_len(hint);
        let mut uncut = CutOff { bytes: &mut self.bytes, start, armed: true };
        uncut.bytes.resize(start + head, 0);
        write(uncut.bytes)?;
        uncut.armed = false;
        drop(uncut);
        self.framing.finish(&mut self.bytes, start, head);
        Ok(())
    }

    /// Writes a text frame in place that cannot fail.
    pub fn plain_text(&mut self, hint: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let written = self.text(hint, |bytes| {
            write(bytes);
            Ok::<(), std::convert::Infallible>(())
        });
        match written {
            Ok(()) => {}
        }
    }

    /// Bytes that wait to be sent.
    pub fn len(&self) -> usize {
        match self.framing {
            Framing::Lengths { taken, .. } => self.bytes.len() - taken,
            #[cfg(feature = "tungstenite")]
            _ => self.bytes.len(),
        }
    }

    /// Changes whenever some of it was sent: tells a slow reader from a silent one.
    pub(crate) fn unwritten(&self) -> usize {
        self.len() - self.written
    }

    /// Whether nothing waits to be sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the first text, if texts are kept apart and there is one of at most `room` bytes.
    pub fn take_text(&mut self, room: usize) -> Option<Vec<u8>> {
        let (lengths, taken) = match &mut self.framing {
            Framing::Lengths { lengths, taken } => (lengths, taken),
            #[cfg(feature = "tungstenite")]
            _ => return None,
        };
        let length = lengths.pop_front_if(|length| *length <= room)?;
        let text = self.bytes[*taken..*taken + length].to_vec();
        *taken += length;
        if lengths.is_empty() {
            self.bytes = Vec::new();
            *taken = 0;
        }
        Some(text)
    }

    #[cfg(feature = "tungstenite")]
    pub(super) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// What is still to be written.
    #[cfg(feature = "tungstenite")]
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// So many bytes of the rest were written.
    #[cfg(feature = "tungstenite")]
    pub(super) fn advance(&mut self, written: usize) {
        self.written += written;
    }

    /// Everything was written: gives the buffer back.
    #[cfg(feature = "tungstenite")]
    pub(super) fn take_buffer(&mut self) -> Vec<u8> {
        self.written = 0;
        self.bytes.clear();
        std::mem::take(&mut self.bytes)
    }
}

/// Removes what was begun unless it was completed.
struct CutOff<'b> {
    bytes: &'b mut Vec<u8>,
    start: usize,
    armed: bool,
}

impl Drop for CutOff<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.bytes.truncate(self.start);
        }
    }
}

impl Framing {
    /// The length of the header of a text of this length.
    fn head_len(&self, text: usize) -> usize {
        #[cfg(feature = "tungstenite")]
        let websocket = match text {
            0..126 => 2,
            126..0x1_0000 => 4,
            _ => 10,
        };
        #[cfg(not(feature = "tungstenite"))]
        let _ = text;
        match self {
            #[cfg(feature = "tungstenite")]
            Self::Unmasked => websocket,
            #[cfg(feature = "tungstenite")]
            Self::Masked => websocket + 4,
            Self::Lengths { .. } => 0,
        }
    }

    /// Writes the header into the `head` bytes at `start`, moving the text if they were too many or too few.
    fn finish(&mut self, bytes: &mut Vec<u8>, start: usize, head: usize) {
        let text = bytes.len() - start - head;
        if let Self::Lengths { lengths, .. } = self {
            lengths.push_back(text);
            return;
        }
        #[cfg(feature = "tungstenite")]
        {
            let need = self.head_len(text);
            if need > head {
                bytes.resize(bytes.len() + need - head, 0);
                bytes.copy_within(start + head..start + head + text, start + need);
            } else if need < head {
                bytes.drain(start..start + head - need);
            }
            let masked = matches!(self, Self::Masked);
            bytes[start] = 0x81;
            write_length(&mut bytes[start + 1..start + need], text, masked);
            if masked {
                mask(&mut bytes[start + need - 4..]);
            }
        }
    }
}

#[cfg(feature = "tungstenite")]
fn write_length(head: &mut [u8], text: usize, masked: bool) {
    let mask_bit = if masked { 0x80 } else { 0 };
    match text {
        0..126 => head[0] = mask_bit | text as u8,
        126..0x1_0000 => {
            head[0] = mask_bit | 126;
            head[1..3].copy_from_slice(&(text as u16).to_be_bytes());
        }
        _ => {
            head[0] = mask_bit | 127;
            head[1..9].copy_from_slice(&(text as u64).to_be_bytes());
        }
    }
}

/// Puts a fresh key into the first four bytes and masks the rest with it.
#[cfg(feature = "tungstenite")]
fn mask(bytes: &mut [u8]) {
    let key: [u8; 4] = rand::random();
    let (head, text) = bytes.split_at_mut(4);
    head.copy_from_slice(&key);
    let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    let (words, rest) = text.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}
