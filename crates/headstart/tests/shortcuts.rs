//! Each shortcut to the class alone, put into phantoms whose class nothing else tells, and the same without it.

use std::path::Path;

use headstart::Silent;
use headstart::audit::{Shortcut, Tells, audit};
use headstart::dataset::Dataset;
use headstart::phantom;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};
use jpeg_encoder::{ColorType, Encoder};

/// Of each class.
const IMAGES: usize = 24;
const CLASSES: [&str; 2] = ["north", "south"];
/// `R` and `A`, `L`, `T`, `E` in 5×7 pixels, a bit each.
const R: [u8; 7] = [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001];
const WORD: [[u8; 7]; 4] = [
    [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
    [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
    [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100],
    [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111],
];

/// What is suspicious in two classes of phantoms, none of which has an opacity. `write` says how the picture with this
/// number, of the second class or not, becomes a file's bytes.
fn suspicious(write: impl Fn(GrayImage, usize, bool) -> (Vec<u8>, &'static str)) -> Vec<Shortcut> {
    let folder = tempfile::tempdir().expect("a folder");
    let (drawn, data) = (folder.path().join("drawn"), folder.path().join("data"));
    phantom::write(&drawn, 2 * IMAGES, 5).expect("draws");
    for class in CLASSES {
        std::fs::create_dir_all(data.join(class)).expect("creates");
    }
    for number in 0..2 * IMAGES {
        let second = number % 2 == 1;
        let picture = image::open(drawn.join(format!("clear/phantom{number:04}.png"))).expect("a phantom");
        let (bytes, ending) = write(picture.into_luma8(), number, second);
        let path = data.join(format!("{}/{number:02}.{ending}", CLASSES[usize::from(second)]));
        std::fs::write(path, bytes).expect("writes");
    }
    flagged(&data, &folder.path().join("cache"))
}

fn flagged(data: &Path, cache: &Path) -> Vec<Shortcut> {
    let dataset = Dataset::open(data).expect("opens");
    let found = audit(&dataset, cache, None, &mut Silent).expect("audits");
    found.shortcuts.into_iter().filter(|shortcut| shortcut.flagged).collect()
}

fn png(picture: &GrayImage) -> (Vec<u8>, &'static str) {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).expect("encodes");
    (bytes.into_inner(), "png")
}

fn jpeg(picture: &GrayImage, quality: u8) -> (Vec<u8>, &'static str) {
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality)).expect("encodes");
    (bytes, "jpg")
}

fn scans(picture: &GrayImage, progressive: bool) -> (Vec<u8>, &'static str) {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_progressive(progressive);
    let (width, height) = picture.dimensions();
    encoder.encode(picture.as_raw(), width as u16, height as u16, ColorType::Luma).expect("encodes");
    (bytes, "jpg")
}

/// White glyphs, `height` pixels high, with soft edges.
fn written(mut picture: GrayImage, glyphs: &[[u8; 7]], height: u32, left: u32, top: u32) -> GrayImage {
    const LARGE: u32 = 8;
    let columns = 6 * glyphs.len() as u32 - 1;
    let ink = GrayImage::from_fn(columns * LARGE, 7 * LARGE, |x, y| {
        let (column, row) = (x / LARGE, y / LARGE);
        let glyph = glyphs[column as usize / 6];
        Luma([if column % 6 < 5 && glyph[row as usize] >> (4 - column % 6) & 1 == 1 { 255 } else { 0 }])
    });
    let ink = imageops::resize(&ink, columns * height / 7, height, FilterType::Triangle);
    for (x, y, Luma([ink])) in ink.enumerate_pixels() {
        let level = &mut picture.get_pixel_mut(left + x, top + y).0[0];
        *level += ((255 - u32::from(*level)) * u32::from(*ink) / 255) as u8;
    }
    picture
}

/// That this cue is among those that are suspicious, that it tells the second class in this way, and that it says so.
fn assert_told(found: &[Shortcut], cue: &str, tells: Tells) {
    let told = found.iter().find(|shortcut| shortcut.cue == cue);
    let told = told.unwrap_or_else(|| panic!("{cue} is not among {found:?}"));
    assert_eq!((told.class.as_str(), told.tells), (CLASSES[1], tells));
    assert!(told.auc.low > 0.7, "{told:?}");
    assert!(told.meaning.starts_with("Images of south "), "{}", told.meaning);
}

#[test]
fn classes_that_differ_in_nothing_have_no_shortcut() {
    let found = suspicious(|picture, _, _| png(&picture));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn another_quality_of_one_class_is_told_by_the_tables() {
    let found = suspicious(|picture, _, second| jpeg(&picture, if second { 75 } else { 70 }));
    assert_told(&found, "JPEG quality", Tells::More);
    assert!(suspicious(|picture, _, _| jpeg(&picture, 75)).is_empty());
}

#[test]
fn progressive_files_of_one_class_are_told() {
    let found = suspicious(|picture, _, second| scans(&picture, second));
    assert_told(&found, "progressive JPEG", Tells::More);
    let found = suspicious(|picture, number, _| scans(&picture, number % 4 < 2));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_mirrored_class_is_told() {
    let found = suspicious(|picture, _, second| match second {
        true => png(&imageops::flip_horizontal(&picture)),
        false => png(&picture),
    });
    assert_told(&found, "left and right", Tells::Mirrored);
    let found = suspicious(|picture, number, _| match number % 4 < 2 {
        true => png(&imageops::flip_horizontal(&picture)),
        false => png(&picture),
    });
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_single_letter_in_a_corner_of_one_class_is_told() {
    let marked = |picture: GrayImage, number: usize| {
        let shift = (number / 2 % 5) as u32;
        png(&written(picture, &[R], 20, 195 + shift, 10 + 2 * shift))
    };
    let found = suspicious(|picture, number, second| match second {
        true => marked(picture, number),
        false => png(&picture),
    });
    assert_told(&found, "mark, top right", Tells::More);
    let found = suspicious(|picture, number, _| match number % 4 < 2 {
        true => marked(picture, number),
        false => png(&picture),
    });
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn small_text_in_one_class_is_told() {
    // Capitals of 8 and 11 pixels are those of fonts of some 11 and 15 pixels.
    for height in [8, 11] {
        let found = suspicious(|picture, number, second| match second {
            true => png(&written(picture, &WORD, height, 12 + (number % 3) as u32, 200)),
            false => png(&picture),
        });
        assert_told(&found, "mark, bottom left", Tells::More);
    }
}

#[test]
fn opacities_are_no_shortcut() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("phantoms");
    phantom::write(&data, IMAGES, 6).expect("draws");
    let found = flagged(&data, &folder.path().join("cache"));
    let is_new = |shortcut: &&Shortcut| {
        shortcut.cue.starts_with("mark") || shortcut.tells == Tells::Mirrored || shortcut.cue.contains("JPEG")
    };
    assert!(!found.iter().any(|shortcut| is_new(&shortcut)), "{found:?}");
}
