//! Small pictures inside the page.

use image::{RgbImage, imageops};
use rayon::prelude::*;

use crate::audit::Place;
use crate::dataset::Dataset;
use crate::image::{Image, Limits, data_uri};
use crate::report::escape;

/// The longer side of a small picture.
const SIDE: u32 = 168;
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
            Ok(image) => format!("<img alt=\"{path}\" src=\"{}\">", data_uri(&small(&image))),
            Err(_) => "<div class=\"unreadable\"></div>".into(),
        };
        let words = escape(words);
        format!("<figure>{picture}<figcaption>{path}<small>{words}</small></figcaption></figure>\n")
    }
}

/// The picture, shrunk to fit.
fn small(image: &Image) -> Image {
    let (width, height) = (image.width() as u32, image.height() as u32);
    let pixels =
        RgbImage::from_raw(width, height, image.to_rgb8().into_owned()).expect("these are all its pixels");
    let longer = width.max(height);
    let fitted = |side: u32| (u64::from(side) * u64::from(SIDE) / u64::from(longer)).max(1) as u32;
    let pixels = match longer > SIDE {
        true => imageops::thumbnail(&pixels, fitted(width), fitted(height)),
        false => pixels,
    };
    Image::from_rgb8(pixels.width() as usize, pixels.height() as usize, pixels.into_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_any_shape_becomes_small() {
        for (width, height) in [(1, 1), (168, 168), (1000, 3), (1, 4000)] {
            let shrunk = small(&Image::from_grey8(width, height, &vec![9; width * height]));
            assert!(shrunk.width().max(shrunk.height()) <= SIDE as usize, "{width}×{height}");
        }
    }
}
