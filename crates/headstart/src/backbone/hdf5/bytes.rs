//! Numbers at places in a file, each checked to lie within it.

use super::Found;

/// A file, or a part of one.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    /// So many bytes from `start` on.
    pub(super) fn part(self, start: usize, length: usize) -> Found<Bytes<'a>> {
        let end = start.checked_add(length);
        let part = end.and_then(|end| self.0.get(start..end));
        part.map(Bytes)
            .ok_or_else(|| format!("a file that ends before byte {start} and the {length} that follow"))
    }

    fn array<const N: usize>(self, at: usize) -> Found<[u8; N]> {
        let part = self.part(at, N)?.0;
        part.try_into().map_err(|_| "a part of another length".to_string())
    }

    pub(super) fn u8(self, at: usize) -> Found<u8> {
        self.array::<1>(at).map(|[byte]| byte)
    }

    pub(super) fn u16(self, at: usize) -> Found<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub(super) fn u32(self, at: usize) -> Found<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    /// A length, or the address of what lies in the file.
    pub(super) fn address(self, at: usize) -> Found<usize> {
        let value = u64::from_le_bytes(self.array(at)?);
        usize::try_from(value).map_err(|_| format!("the address {value:#x}"))
    }

    /// A number of 1, 2, 4 or 8 bytes.
    pub(super) fn number(self, at: usize, width: usize) -> Found<usize> {
        match width {
            1 => self.u8(at).map(usize::from),
            2 => self.u16(at).map(usize::from),
            4 => self.u32(at).map(|number| number as usize),
            _ => self.address(at),
        }
    }

    /// Whether these bytes lie at a place.
    pub(super) fn expect(self, at: usize, signature: &[u8; 4]) -> Found<()> {
        match self.part(at, 4)?.0 == signature {
            true => Ok(()),
            false => Err(format!("no {} at byte {at}", signature.escape_ascii())),
        }
    }
}
