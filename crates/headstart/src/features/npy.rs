//! NumPy's format 1.0 of arrays.

use std::io::{self, Write};

/// The header of an array of elements `descr`, padded to a multiple of 64 bytes.
pub(super) fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let sides = match shape {
        [side] => format!("{side},"),
        sides => sides.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sides}), }}");
    text += &" ".repeat((64 - (text.len() + 11) % 64) % 64);
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes
}

/// An array of texts, each as long as the longest: `<U…`, in UTF-32.
pub(super) fn texts(texts: &[&str], to: &mut dyn Write) -> io::Result<()> {
    let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    to.write_all(&header(&format!("<U{longest}"), &[texts.len()]))?;
    for text in texts {
        let letters = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest);
        for letter in letters {
            to.write_all(&letter.to_le_bytes())?;
        }
    }
    Ok(())
}

/// An array of whole numbers.
pub(super) fn numbers(numbers: &[usize], to: &mut dyn Write) -> io::Result<()> {
    to.write_all(&header("<i8", &[numbers.len()]))?;
    numbers.iter().try_for_each(|number| to.write_all(&(*number as i64).to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_laid_out_as_numpy_wants_them() {
        let head = header("<f4", &[2, 3]);
        assert_eq!(head.len() % 64, 0);
        let text = String::from_utf8_lossy(&head[10..]).into_owned();
        assert!(text.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"), "{text}");
        let mut bytes = Vec::new();
        texts(&["é", "ab"], &mut bytes).expect("writes");
        assert_eq!(bytes[bytes.len() - 16..], [0xe9, 0, 0, 0, 0, 0, 0, 0, b'a', 0, 0, 0, b'b', 0, 0, 0]);
    }
}
