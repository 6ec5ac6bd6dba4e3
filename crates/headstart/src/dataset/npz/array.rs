//! NumPy's array format (numpy.lib.format, versions 1 to 3): a magic, a header that is a Python
//! dictionary, the values.

use std::io::Read;

use super::super::sample::Array;

/// The longest header that is read: NumPy's own are of 128 bytes.
const LONGEST_HEADER: usize = 1 << 16;

/// An array as it is stored.
pub(super) struct Npy {
    /// Such as `|u1`.
    kind: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// What was expected, and what was found.
type Mismatch = (&'static str, String);

/// Reads an array from a stream that holds `size` bytes, to its end, where a checksum is compared. Errors say what was
/// found.
pub(super) fn read(mut stream: impl Read, size: u64) -> Result<Npy, String> {
    let cut = |_| "a file that ends too early".to_string();
    let mut start = [0; 8];
    stream.read_exact(&mut start).map_err(cut)?;
    let [magic @ .., version, _] = start;
    if &magic != b"\x93NUMPY" {
        return Err("something else".into());
    }
    let mut length = [0; 4];
    let used = if version == 1 { 2 } else { 4 };
    stream.read_exact(&mut length[..used]).map_err(cut)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST_HEADER {
        return Err(format!("a header of {length} bytes"));
    }
    let mut header = vec![0; length];
    stream.read_exact(&mut header).map_err(cut)?;
    let (kind, shape) = parse(&String::from_utf8_lossy(&header))?;
    let expected = bytes_of(&kind, &shape).filter(|bytes| *bytes <= size);
    let expected = expected.ok_or_else(|| format!("{kind} {shape:?}, more than is stored"))?;
    let mut bytes = Vec::new();
    stream.by_ref().take(expected).read_to_end(&mut bytes).map_err(|why| why.to_string())?;
    if bytes.len() as u64 != expected {
        return Err("a file that ends too early".into());
    }
    let rest = std::io::copy(&mut stream.take(size), &mut std::io::sink()).map_err(|why| why.to_string())?;
    if rest >= size {
        return Err("more than the archive states".into());
    }
    Ok(Npy { kind, shape, bytes })
}

/// Number of bytes of an array, unless it is beyond counting.
fn bytes_of(kind: &str, shape: &[usize]) -> Option<u64> {
    let width: u64 = kind.get(2..)?.parse().ok()?;
    shape.iter().try_fold(width, |product, side| product.checked_mul(u64::try_from(*side).ok()?))
}

/// Kind and shape from `{'descr': '|u1', 'fortran_order': False, 'shape': (3, 28, 28), }`.
fn parse(header: &str) -> Result<(String, Vec<usize>), String> {
    let found = || format!("the header {}", header.trim());
    let after = |key: &str| header.split_once(key).map(|(_, rest)| rest.trim_start());
    let kind = after("'descr':").and_then(|rest| rest.strip_prefix('\'')?.split_once('\''));
    let order = after("'fortran_order':").ok_or_else(found)?;
    let shape = after("'shape':").and_then(|rest| rest.strip_prefix('(')?.split_once(')'));
    let ((kind, _), (shape, _)) = kind.zip(shape).ok_or_else(found)?;
    if !order.starts_with("False") {
        return Err("values in Fortran's order".into());
    }
    let sides = shape.split(',').map(str::trim).filter(|side| !side.is_empty());
    let sides = sides.map(|side| side.parse().map_err(|_| found())).collect::<Result<_, _>>()?;
    Ok((kind.to_string(), sides))
}

impl Npy {
    pub(super) fn into_images(self) -> Result<Array, Mismatch> {
        let (height, width, channels) = match (self.kind.as_str(), self.shape.as_slice()) {
            ("|u1", [_, height, width]) => (*height, *width, 1),
            ("|u1", [_, height, width, channels @ (1 | 3)]) => (*height, *width, *channels),
            _ => return Err(("bytes [N, height, width] or [N, height, width, 3]", self.description())),
        };
        if self.bytes.is_empty() {
            return Err(("at least one image", self.description()));
        }
        Ok(Array { width, height, channels, bytes: self.bytes })
    }

    pub(super) fn into_labels(self) -> Result<Vec<usize>, Mismatch> {
        const EXPECTED: &str = "one class number an image, integers [N] or [N, 1]";
        let width = match (self.kind.as_str(), self.shape.as_slice()) {
            ("|u1" | "|i1", [_] | [_, 1]) => 1,
            ("<u2" | "<i2", [_] | [_, 1]) => 2,
            ("<u4" | "<i4", [_] | [_, 1]) => 4,
            ("<u8" | "<i8", [_] | [_, 1]) => 8,
            _ => return Err((EXPECTED, self.description())),
        };
        let labels = self.bytes.chunks_exact(width).map(|bytes| {
            let number = bytes.iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
            // A class has a number below 256 in every MedMNIST; a negative one looks huge here.
            usize::try_from(number).ok().filter(|number| *number < 256)
        });
        labels.collect::<Option<_>>().ok_or_else(|| ("class numbers from 0 to 255", "another number".into()))
    }

    fn description(&self) -> String {
        format!("{} {:?}", self.kind, self.shape)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An array as NumPy writes it.
    pub(in super::super) fn npy(kind: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), bytes].concat()
    }

    fn parsed(bytes: &[u8]) -> Result<Npy, String> {
        read(bytes, bytes.len() as u64)
    }

    #[test]
    fn images_are_grey_or_colour() {
        let grey = parsed(&npy("|u1", "(2, 1, 2)", &[1, 2, 3, 4]))
            .and_then(|npy| npy.into_images().map_err(|m| m.1));
        assert_eq!(grey, Ok(Array { width: 2, height: 1, channels: 1, bytes: vec![1, 2, 3, 4] }));
        let colour = parsed(&npy("|u1", "(1, 1, 1, 3)", &[1, 2, 3]))
            .and_then(|npy| npy.into_images().map_err(|m| m.1));
        assert_eq!(colour, Ok(Array { width: 1, height: 1, channels: 3, bytes: vec![1, 2, 3] }));
        let floats = parsed(&npy("<f4", "(1, 1, 1)", &[0; 4])).expect("an array").into_images();
        assert_eq!(floats.expect_err("floats").1, "<f4 [1, 1, 1]");
    }

    #[test]
    fn labels_are_integers_of_any_width() {
        let labels = |kind: &str, shape: &str, bytes: &[u8]| {
            parsed(&npy(kind, shape, bytes)).expect("an array").into_labels().map_err(|mismatch| mismatch.1)
        };
        assert_eq!(labels("|u1", "(3, 1)", &[0, 1, 255]), Ok(vec![0, 1, 255]));
        assert_eq!(labels("<i8", "(1,)", &[7, 0, 0, 0, 0, 0, 0, 0]), Ok(vec![7]));
        assert_eq!(labels("<i2", "(1,)", &[255, 255]), Err("another number".into()));
        assert_eq!(labels("|u1", "(1, 14)", &[0; 14]), Err("|u1 [1, 14]".into()));
    }

    #[test]
    fn what_is_broken_is_an_error() {
        let whole = npy("|u1", "(2, 2, 2)", &[0; 8]);
        for length in 0..whole.len() {
            assert!(read(&whole[..length], whole.len() as u64).is_err(), "{length} bytes");
        }
        let problem = |bytes: &[u8]| parsed(bytes).err().expect("broken");
        assert_eq!(problem(b"no NumPy array"), "something else");
        assert_eq!(
            problem(&npy("|u1", "(9999999999, 28)", &[])),
            "|u1 [9999999999, 28], more than is stored"
        );
        let fortran = String::from_utf8_lossy(&whole[10..]).replace("False", "True");
        assert_eq!(parse(&fortran), Err("values in Fortran's order".into()));
        assert!(
            parse("{}").is_err()
                && parse("{'descr': '|u1', 'fortran_order': False, 'shape': (x,), }").is_err()
        );
    }
}
