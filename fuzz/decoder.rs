//! What every target does: decode, within the limits of a small server, and preprocess what came out.

// The module alone, not the crate: so the sanitizers need not compile the whole framework below it.
#[allow(dead_code, unused_imports)]
#[path = "../crates/headstart/src/image/mod.rs"]
mod decoding;

use decoding::Limits;

/// Decodes bytes that begin as a format does.
pub fn decode(data: &[u8], start: &[u8]) {
    let mut file = start.to_vec();
    file.extend_from_slice(data.strip_prefix(start).unwrap_or(data));
    let limits = Limits { max_pixels: 1_000_000, ..Limits::default() };
    if let Ok(image) = decoding::decode(&file, &limits) {
        assert!(image.width() * image.height() <= 1_000_000);
        assert_eq!(image.to_rgb8().len(), image.width() * image.height() * 3);
    }
}
