//! Copies that were made on purpose are found, each kind alone: cropped, turned, framed, inverted, compressed, resized.

mod real;

use std::path::Path;

use headstart::Silent;
use headstart::audit::audit;
use headstart::dataset::Dataset;
use headstart::phantom;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};

/// X-rays of which copies are made, at even steps among all.
const SAMPLE: usize = 100;
/// Phantoms of which copies are made.
const PHANTOMS: usize = 12;

/// Of the picture with this number a copy, that nobody would call another picture.
type Copying = fn(&GrayImage, u32) -> GrayImage;

const KINDS: [(&str, Copying); 8] = [
    ("cropped to 95 %", cropped),
    ("turned by 3 degrees", |picture, number| turned(picture, if number % 2 == 0 { 3.0 } else { -3.0 }, 0)),
    ("turned on white", |picture, number| turned(picture, if number % 2 == 0 { -3.0 } else { 3.0 }, 255)),
    ("with a border of 10 %", framed),
    ("shrunk into a border of 10 %", shrunk),
    ("inverted", inverted),
    ("compressed", compressed),
    ("resized", resized),
];

fn cropped(picture: &GrayImage, number: u32) -> GrayImage {
    let (width, height) = picture.dimensions();
    let (kept_width, kept_height) = (width * 95 / 100, height * 95 / 100);
    let (left, top) = (number * 5 % (width - kept_width + 1), number * 3 % (height - kept_height + 1));
    imageops::crop_imm(picture, left, top, kept_width, kept_height).to_image()
}

/// Around the middle, between pixels in proportion.
fn turned(picture: &GrayImage, degrees: f32, fill: u8) -> GrayImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height) = picture.dimensions();
    let (right, down) = ((width - 1) as f32 / 2.0, (height - 1) as f32 / 2.0);
    let level = |x: u32, y: u32| f32::from(picture.get_pixel(x, y).0[0]);
    GrayImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32 - right, y as f32 - down);
        let (x, y) = (cos * x - sin * y + right, sin * x + cos * y + down);
        if x < 0.0 || y < 0.0 || x >= (width - 1) as f32 || y >= (height - 1) as f32 {
            return Luma([fill]);
        }
        let (column, row) = (x as u32, y as u32);
        let along = |row: u32| level(column, row) * (1.0 - x.fract()) + level(column + 1, row) * x.fract();
        Luma([(along(row) * (1.0 - y.fract()) + along(row + 1) * y.fract()).round() as u8])
    })
}

fn framed(picture: &GrayImage, number: u32) -> GrayImage {
    let (width, height) = picture.dimensions();
    let (side, top) = (width / 10, height / 10);
    let fill = Luma([[0, 128, 255][number as usize % 3]]);
    let mut frame = GrayImage::from_pixel(width + 2 * side, height + 2 * top, fill);
    imageops::replace(&mut frame, picture, side.into(), top.into());
    frame
}

fn shrunk(picture: &GrayImage, number: u32) -> GrayImage {
    let (width, height) = picture.dimensions();
    imageops::resize(&framed(picture, number + 1), width, height, FilterType::Triangle)
}

fn inverted(picture: &GrayImage, _: u32) -> GrayImage {
    let mut negative = picture.clone();
    imageops::invert(&mut negative);
    negative
}

fn compressed(picture: &GrayImage, _: u32) -> GrayImage {
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 60)).expect("compresses");
    image::load_from_memory(&bytes).expect("a JPEG").into_luma8()
}

fn resized(picture: &GrayImage, number: u32) -> GrayImage {
    let (width, height) = picture.dimensions();
    let percent = [60, 140][number as usize % 2];
    imageops::resize(picture, width * percent / 100, height * percent / 100, FilterType::CatmullRom)
}

/// How many of the pictures are tied to the copy of that kind that was made of them, and to nothing else.
fn found(folder: &Path, pictures: &[GrayImage], copying: Copying) -> usize {
    let data = folder.join("data");
    for class in ["copies", "originals"] {
        std::fs::create_dir_all(data.join(class)).expect("creates");
    }
    for (number, picture) in pictures.iter().enumerate() {
        picture.save(data.join(format!("originals/{number:03}.png"))).expect("saves");
        copying(picture, number as u32).save(data.join(format!("copies/{number:03}.png"))).expect("saves");
    }
    let dataset = Dataset::open(&data).expect("opens");
    let found = audit(&dataset, &folder.join("cache"), None, &mut Silent).expect("audits");
    std::fs::remove_dir_all(&data).expect("removes");
    let number = |path: &str| path.rsplit('/').next().map(str::to_owned);
    let groups = found.near_duplicates.iter().map(|group| &group.images);
    let right =
        groups.filter(|images| images.len() == 2 && number(&images[0].path) == number(&images[1].path));
    right.count()
}

#[test]
fn every_copy_of_a_phantom_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    phantom::write_examples(&folder.path().join("phantoms"), PHANTOMS, 33).expect("draws");
    let phantom = |number: usize| {
        let path = folder.path().join(format!("phantoms/phantom-{}.png", number + 1));
        image::open(path).expect("a phantom").into_luma8()
    };
    let phantoms: Vec<GrayImage> = (0..PHANTOMS).map(phantom).collect();
    let counts = KINDS.map(|(kind, copying)| (kind, found(folder.path(), &phantoms, copying)));
    assert_eq!(counts, KINDS.map(|(kind, _)| (kind, PHANTOMS)));
}

/// X-rays that are there once each.
fn xrays() -> Vec<GrayImage> {
    let folder = real::data("chest-xray-224");
    let dataset = Dataset::open(&folder).expect("opens");
    let samples = dataset.samples.iter().step_by(dataset.samples.len() / SAMPLE).take(SAMPLE);
    let picture = |path: &str| image::open(folder.join(path)).expect("an X-ray").into_luma8();
    samples.map(|sample| picture(sample.path())).collect()
}

#[test]
#[ignore = "needs HEADSTART_DATA"]
fn nearly_every_copy_of_an_xray_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let xrays = xrays();
    let counts = KINDS.map(|(kind, copying)| (kind, found(folder.path(), &xrays, copying)));
    println!("{counts:?}");
    assert!(counts.iter().all(|(_, count)| 100 * count >= 95 * SAMPLE), "{counts:?}");
}
