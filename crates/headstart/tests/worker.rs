//! Decoding in workers: what comes back, and what becomes of a worker that takes too much or is ended.

use std::io::{Cursor, Write as _};
use std::process::ExitCode;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use headstart::image::{Cost, DecodeError, Format, Limits, decode, worker};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb};

fn main() -> ExitCode {
    if worker::is_wanted() {
        return worker::work();
    }
    let files = [png(picture()), png(deep()), b"\x89PNG\r\n\x1a\nbroken".to_vec(), b"text".to_vec()];
    let here = files.each_ref().map(|file| decode(file, &Limits::default()));
    worker::isolate();
    let there = files.each_ref().map(|file| decode(file, &Limits::default()));
    assert_eq!(here, there, "a worker decodes as this process does");
    assert!(there[0].is_ok() && there[1].is_ok() && there[2].is_err() && there[3].is_err());
    if cfg!(target_os = "linux") {
        one_worker_is_enough();
        what_takes_too_much_memory_is_refused();
        what_is_packed_beside_the_pixels_takes_little();
        what_takes_too_long_is_refused();
        one_that_is_ended_is_replaced();
    }
    println!("workers decode, are ended and are replaced");
    ExitCode::SUCCESS
}

fn one_worker_is_enough() {
    (0..50).for_each(|_| _ = decode(&png(picture()), &Limits::default()).expect("decodes"));
    assert_eq!(workers().len(), 1, "each image has a new process");
}

/// 81 million pixels: they take 240 MB as RGB, more than a worker has beside its limit.
fn what_takes_too_much_memory_is_refused() {
    let large = png(GrayImage::new(9000, 9000));
    let limits = Limits { max_memory: 1 << 20, ..Limits::default() };
    let most = Cost::Mebibytes(1);
    assert_eq!(decode(&large, &limits), Err(DecodeError::TooCostly { format: Format::Png, most }));
    decode(&png(picture()), &limits).expect("the next image is decoded");
}

/// Profiles and texts of 600 MiB, more than a worker has.
fn what_is_packed_beside_the_pixels_takes_little() {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    (0..600).for_each(|_| packed.write_all(&[0; 1 << 20]).expect("packs"));
    let packed = packed.finish().expect("packs");
    let limits = Limits { max_memory: 1 << 20, ..Limits::default() };
    for (kind, head) in [(b"iCCP", "x\0\0"), (b"zTXt", "Comment\0\0"), (b"iTXt", "Comment\0\x01\0\0\0")] {
        let file = with_chunk(&png(picture()), kind, &[head.as_bytes(), &packed].concat());
        assert_eq!(decode(&file, &limits), decode(&png(picture()), &limits), "{kind:?}");
    }
}

/// A PNG with one chunk more before its pixels.
fn with_chunk(png: &[u8], kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    const HEAD: usize = 33;
    let checked = [kind, contents].concat();
    let length = (contents.len() as u32).to_be_bytes();
    let sum = crc32fast::hash(&checked).to_be_bytes();
    [&png[..HEAD], &length, &checked, &sum, &png[HEAD..]].concat()
}

/// Each row of a WebP without losses takes its time.
fn what_takes_too_long_is_refused() {
    let value = |x: u32, y: u32| ((x * x * 7 + y * 131 + x * y * 13) >> 3) as u8;
    let noise = image::RgbImage::from_fn(9000, 9000, |x, y| Rgb([value(x, y), value(y, x), value(x, y + 9)]));
    let slow = encoded(noise, ImageFormat::WebP);
    let limits = Limits { max_seconds: 0, max_bytes: u64::MAX, ..Limits::default() };
    let most = Cost::Seconds(0);
    assert_eq!(decode(&slow, &limits), Err(DecodeError::TooCostly { format: Format::WebP, most }));
    decode(&png(picture()), &limits).expect("the next image is decoded");
}

fn one_that_is_ended_is_replaced() {
    decode(&png(picture()), &Limits::default()).expect("decodes");
    let before = workers();
    for worker in &before {
        let ended = std::process::Command::new("kill").args(["-9", worker]).status().expect("kill is there");
        assert!(ended.success());
    }
    decode(&png(picture()), &Limits::default()).expect("a new one decodes");
    assert!(workers().iter().all(|worker| !before.contains(worker)), "the old one answered");
}

/// Process ids of this process's children that still live.
fn workers() -> Vec<String> {
    let own = std::process::id();
    let tasks = std::fs::read_dir(format!("/proc/{own}/task")).expect("own threads").flatten();
    let children = tasks.flat_map(|task| {
        let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        text.split_whitespace().map(String::from).collect::<Vec<_>>()
    });
    let lives = |child: &String| {
        let status = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        !status.contains(") Z ")
    };
    children.filter(lives).collect()
}

fn picture() -> GrayImage {
    GrayImage::from_fn(40, 30, |x, y| Luma([(x * 5 + y) as u8]))
}

fn deep() -> image::ImageBuffer<Luma<u16>, Vec<u16>> {
    image::ImageBuffer::from_fn(20, 10, |x, y| Luma([(x * 3001 + y * 7) as u16]))
}

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    encoded(image, ImageFormat::Png)
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).expect("encodes");
    bytes.into_inner()
}
