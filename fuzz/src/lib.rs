//! What every target does: decode, within the limits of a small server, and look at what came out.

// These modules alone, not the crate: so the sanitizers need not compile the whole framework below it.
#[allow(dead_code, unused_imports, missing_docs)]
#[path = "../../crates/headstart/src/image/mod.rs"]
mod image;
#[allow(dead_code)]
#[path = "../../crates/headstart/src/random.rs"]
mod random;

#[allow(dead_code)]
#[path = "../../crates/headstart/src/sha256.rs"]
mod sha256;

use image::Limits;

/// Decodes bytes that begin as a format does.
pub fn decode(data: &[u8], start: &[u8]) {
    let mut file = start.to_vec();
    file.extend_from_slice(data.strip_prefix(start).unwrap_or(data));
    let limits = Limits { max_pixels: 1_000_000, ..Limits::default() };
    if let Ok(image) = image::decode(&file, &limits) {
        assert!(image.width() * image.height() <= 1_000_000);
        assert_eq!(image.to_rgb8().len(), image.width() * image.height() * 3);
    }
}
