//! Numbers and strings of a checkpoint: little varints, and a reader that trusts nothing.

use super::CheckpointError;

/// Appends to a checkpoint.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    #[inline]
    pub(super) fn number(&mut self, number: u64) {
        let mut number = number;
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    pub(super) fn size(&mut self, size: usize) {
        self.number(size as u64);
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.bytes.push(flag.into());
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        self.size(text.len());
        self.raw(text);
    }
}

/// Reads a checkpoint.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, CheckpointError> {
        let (&byte, rest) = self.bytes.split_first().ok_or(CheckpointError::Damaged)?;
        self.bytes = rest;
        Ok(byte)
    }

    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, CheckpointError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(CheckpointError::Damaged)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> Result<usize, CheckpointError> {
        let number = usize::try_from(self.number()?).ok();
        number
            .filter(|&number| number < limit)
            .ok_or(CheckpointError::Damaged)
    }

    pub(super) fn flag(&mut self) -> Result<bool, CheckpointError> {
        Ok(self.byte()? != 0)
    }

    pub(super) fn raw(&mut self, len: usize) -> Result<&'a [u8], CheckpointError> {
        let (bytes, rest) = self
            .bytes
            .split_at_checked(len)
            .ok_or(CheckpointError::Damaged)?;
        self.bytes = rest;
        Ok(bytes)
    }

    pub(super) fn bytes(&mut self, limit: usize) -> Result<&'a [u8], CheckpointError> {
        let len = self.below(limit + 1)?;
        self.raw(len)
    }

    pub(super) fn text(&mut self, limit: usize) -> Result<&'a str, CheckpointError> {
        std::str::from_utf8(self.bytes(limit)?).map_err(|_| CheckpointError::Damaged)
    }
}
