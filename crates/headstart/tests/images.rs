//! Images as Pillow reads and resizes them. The files are made by `tools/image_fixtures.py` and
//! `tools/golden_resize.py`.

use std::fs;
use std::path::{Path, PathBuf};

use headstart::image::{ChannelOrder, Filter, Image, Limits, Preprocess, Resize, decode};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn read(path: &Path) -> Image {
    let bytes = fs::read(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    decode(&bytes, &Limits::default()).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// The greatest difference of two channels.
fn distance(left: impl IntoIterator<Item = f32>, right: impl IntoIterator<Item = f32>) -> f32 {
    left.into_iter().zip(right).map(|(left, right)| (left - right).abs()).fold(0.0, f32::max)
}

fn levels(image: &Image) -> Vec<f32> {
    image.to_rgb8().iter().map(|value| f32::from(*value)).collect()
}

/// In grey levels. Lossless files must be exact; JPEG's and WebP's decoders may round differently.
fn tolerance(name: &str) -> f32 {
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("jpg" | "webp") => 3.0,
        _ => 0.0,
    }
}

#[test]
fn every_kind_of_file_is_read_as_pillow_reads_it() {
    let mut read_files = 0;
    for entry in fs::read_dir(folder("fixtures")).expect("the fixtures are there") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() || name.starts_with("bad_") || name.ends_with(".expected.png") {
            continue;
        }
        let (found, expected) = (read(&path), read(&path.with_file_name(format!("{name}.expected.png"))));
        assert_eq!([found.width(), found.height()], [expected.width(), expected.height()], "{name}");
        let distance = distance(levels(&found), levels(&expected));
        println!("{name}: within {distance} grey levels");
        assert!(distance <= tolerance(&name), "{name}: {distance} grey levels from Pillow's");
        assert_eq!(found.frames(), if name.starts_with("frames") { 3 } else { 1 }, "{name}");
        read_files += 1;
    }
    assert_eq!(read_files, 21);
}

#[test]
fn deep_files_keep_their_depth() {
    let [png, tiff] = ["deep_grey.png", "deep_grey.tif"].map(|name| read(&folder("fixtures").join(name)));
    assert_eq!(png, tiff);
    // The dark corner is 20 of 255, which is 20 · 257 + 1 of 65535.
    let preprocess = plain(24, Resize::Crop, Filter::Bilinear);
    let corner = preprocess.apply(&png)[0];
    assert_eq!(corner, 5141.0 * 255.0 / 65535.0);
}

#[test]
fn what_is_no_whole_image_is_refused() {
    let truncated = "truncated JPEG: the file ends before the image does";
    for (name, expected) in [
        ("bad_cut.jpg", truncated),
        ("bad_cut_progressive.jpg", truncated),
        ("bad_empty.jpg", "empty file"),
        ("bad_text.jpg", "not an image: plain text"),
    ] {
        let bytes = fs::read(folder("fixtures").join(name)).expect("the fixtures are there");
        let why = decode(&bytes, &Limits::default()).map(|_| "an image").map_err(|why| why.to_string());
        assert_eq!(why, Err(expected.to_string()), "{name}");
    }
}

fn plain(size: usize, resize: Resize, filter: Filter) -> Preprocess {
    let (mean, deviation) = ([0.0; 3], [1.0; 3]);
    Preprocess { size, resize, filter, channel_order: ChannelOrder::Rgb, mean, deviation }
}

#[test]
fn resizing_is_pillow_s_within_a_grey_level() {
    let folder = folder("golden/resize");
    let mut worst = 0.0f32;
    for source in ["wide", "tall"] {
        let image = read(&folder.join(format!("{source}.png")));
        for (mode, resize) in [("squash", Resize::Squash), ("crop", Resize::Crop), ("pad", Resize::Pad)] {
            for (kind, filter) in [("bilinear", Filter::Bilinear), ("bicubic", Filter::Bicubic)] {
                for size in [16, 72] {
                    let name = format!("{source}_{mode}_{kind}_{size}");
                    let found = plain(size, resize, filter).apply(&image);
                    let expected = levels(&read(&folder.join(format!("{name}.png"))));
                    let apart =
                        found.iter().zip(&expected).filter(|(found, expected)| found != expected).count();
                    let share = 100.0 * apart as f32 / found.len() as f32;
                    let distance = distance(found, expected);
                    println!("{name}: within {distance} grey levels, {share:.2} % of the values differ");
                    worst = worst.max(distance);
                }
            }
        }
    }
    assert!(worst <= 1.0, "{worst} grey levels from Pillow's");
}
