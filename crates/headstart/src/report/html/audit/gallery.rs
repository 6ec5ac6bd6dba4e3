//! Small pictures inside the page.

use std::fmt::Write;

use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};
use rayon::prelude::*;

use crate::audit::Place;
use crate::dataset::Dataset;
use crate::image::{Image, Limits};
use crate::report::escape;

/// The longer side of a small picture.
const SIDE: u32 = 168;
const QUALITY: u8 = 82;
/// Groups, suspects or pictures of a kind on a page that is about something else.
const A_FEW: usize = 12;

/// Shows images of a data set.
pub(super) struct Gallery<'a> {
    dataset: &'a Dataset,
    /// At most so many of a kind.
    most: usize,
}

impl<'a> Gallery<'a> {
    pub(super) fn new(dataset: &'a Dataset) -> Self {
        Self { dataset, most: usize::MAX }
    }

    /// One that keeps a page small.
    pub(super) fn a_few_of(dataset: &'a Dataset) -> Self {
        Self { dataset, most: A_FEW }
    }

    /// How many to show of what may be shown `most` times.
    pub(super) fn at_most(&self, most: usize) -> usize {
        self.most.min(most)
    }

    /// A row of pictures, each with something to say below its path.
    pub(super) fn show(&self, images: &[(&Place, String)]) -> String {
        let figures: Vec<String> =
            images.par_iter().map(|(place, words)| self.figure(place, words)).collect();
        format!("<div class=\"gallery\">\n{}</div>\n", figures.concat())
    }

    fn figure(&self, place: &Place, words: &str) -> String {
        let path = escape(&place.path);
        let picture = match self.dataset.samples[place.index].read(&Limits::default()) {
            Ok(image) => {
                format!("<img alt=\"{path}\" src=\"data:image/jpeg;base64,{}\">", base64(&small(&image)))
            }
            Err(_) => "<div class=\"unreadable\"></div>".into(),
        };
        let words = escape(words);
        format!("<figure>{picture}<figcaption>{path}<small>{words}</small></figcaption></figure>\n")
    }
}

/// A JPEG of the picture, shrunk to fit.
fn small(image: &Image) -> Vec<u8> {
    let (width, height) = (image.width() as u32, image.height() as u32);
    let pixels =
        RgbImage::from_raw(width, height, image.to_rgb8().into_owned()).expect("these are all its pixels");
    let longer = width.max(height);
    let fitted = |side: u32| (u64::from(side) * u64::from(SIDE) / u64::from(longer)).max(1) as u32;
    let pixels = match longer > SIDE {
        true => imageops::thumbnail(&pixels, fitted(width), fitted(height)),
        false => pixels,
    };
    let mut bytes = Vec::new();
    pixels
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))
        .expect("a small picture fits into a JPEG and into memory");
    bytes
}

/// RFC 4648's base 64, padded.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            match digit <= group.len() {
                true => text.push(char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize % 64])),
                false => text.write_char('=').expect("writing to a string cannot fail"),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_is_that_of_rfc_4648() {
        let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in pairs {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn a_picture_of_any_shape_becomes_small() {
        for (width, height) in [(1, 1), (168, 168), (1000, 3), (1, 4000)] {
            let jpeg = small(&Image::from_grey8(width, height, &vec![9; width * height]));
            let shrunk = image::load_from_memory(&jpeg).expect("a JPEG");
            assert!(shrunk.width() <= SIDE && shrunk.height() <= SIDE, "{width}×{height}");
        }
    }
}
