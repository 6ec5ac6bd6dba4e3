//! What fuzzing has kept is decoded, or refused, without a panic.

use std::fs;
use std::path::Path;

use headstart::image::{Limits, decode};

#[test]
fn the_fuzzers_corpus_costs_no_panic() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let limits = Limits { max_pixels: 1_000_000, ..Limits::default() };
    let mut files = 0;
    for format in ["bmp", "dicom", "jpeg", "png", "tiff", "webp"] {
        for entry in fs::read_dir(corpus.join(format)).expect("the corpus is kept in the repository") {
            let bytes = fs::read(entry.expect("listed").path()).expect("a file");
            if let Ok(image) = decode(&bytes, &limits) {
                assert!(image.width() * image.height() <= 1_000_000);
            }
            files += 1;
        }
    }
    assert!(files > 10, "{files} files");
}
