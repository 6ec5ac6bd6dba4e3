//! Recognises the usual image files by their first bytes.
//!
//! The classifier alone decides what it can use. This only tells "that is no image" (415) from "that image
//! cannot be used" (422) once it has refused.

/// Whether the bytes begin as PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF/HEIC or DICOM files do.
pub fn is_image(bytes: &[u8]) -> bool {
    const STARTS: [&[u8]; 6] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*"];
    STARTS.iter().any(|start| bytes.starts_with(start))
        || (bytes.starts_with(b"RIFF") && holds(bytes, 8, b"WEBP"))
        || holds(bytes, 4, b"ftyp")
        || holds(bytes, 128, b"DICM")
}

fn holds(bytes: &[u8], at: usize, expected: &[u8]) -> bool {
    bytes.get(at..at + expected.len()) == Some(expected)
}

#[cfg(test)]
mod tests {
    use super::is_image;

    #[test]
    fn the_first_bytes_tell() {
        assert!(is_image(b"\x89PNG\r\n\x1a\nrest"));
        assert!(is_image(b"RIFF\x10\0\0\0WEBPVP8 "));
        assert!(is_image(&[&[0; 128], &b"DICM"[..]].concat()));
        assert!(!is_image(b"%PDF-1.7"));
        assert!(!is_image(b"RIFF\x10\0\0\0WAVE"));
        assert!(!is_image(b""));
    }
}
