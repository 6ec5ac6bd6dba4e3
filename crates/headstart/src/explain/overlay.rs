//! A heat map laid over the image that it explains.

use image::{RgbImage, imageops};

use super::Heatmap;
use crate::image::{Image, Resize};

/// The longer side of a picture, at most.
const SIDE: u32 = 448;
/// How much of the colour shows where the map is 1.
const OPACITY: f32 = 0.6;
/// From nothing to much: dark violet, red, yellow (the anchors of matplotlib's "inferno").
const COLOURS: [[f32; 3]; 5] =
    [[0.0, 0.0, 4.0], [87.0, 16.0, 110.0], [188.0, 55.0, 84.0], [249.0, 142.0, 9.0], [252.0, 255.0, 164.0]];

/// The image, shrunk to at most 448 pixels, with the map over it; `resize` says which part of the image the
/// net saw.
pub fn overlay(image: &Image, map: &Heatmap, resize: Resize) -> Image {
    let mut pixels = shrunk(image);
    let (width, height) = (f64::from(pixels.width()), f64::from(pixels.height()));
    for (x, y, pixel) in pixels.enumerate_pixels_mut() {
        let across = seen((f64::from(x) + 0.5) / width, width, height, resize);
        let down = seen((f64::from(y) + 0.5) / height, height, width, resize);
        let (Some(across), Some(down)) = (across, down) else { continue };
        let heat = map.at(across, down);
        let share = OPACITY * heat.sqrt();
        for (value, colour) in pixel.0.iter_mut().zip(colour(heat)) {
            *value = (f32::from(*value) * (1.0 - share) + colour * share).round() as u8;
        }
    }
    back(pixels)
}

/// Pictures in a row, as high as the first one, with a gap between.
pub fn side_by_side(images: &[Image]) -> Image {
    const GAP: u32 = 8;
    let all: Vec<RgbImage> = images.iter().map(shrunk).collect();
    let height = all.iter().map(RgbImage::height).max().unwrap_or(1);
    let width = all.iter().map(|image| image.width() + GAP).sum::<u32>().saturating_sub(GAP).max(1);
    let mut row = RgbImage::from_pixel(width, height, image::Rgb([255; 3]));
    let mut left = 0;
    for image in &all {
        imageops::replace(&mut row, image, i64::from(left), 0);
        left += image.width() + GAP;
    }
    back(row)
}

fn shrunk(image: &Image) -> RgbImage {
    let (width, height) = (image.width() as u32, image.height() as u32);
    let pixels =
        RgbImage::from_raw(width, height, image.to_rgb8().into_owned()).expect("these are all its pixels");
    let longer = width.max(height);
    let fitted = |side: u32| (u64::from(side) * u64::from(SIDE) / u64::from(longer)).max(1) as u32;
    if longer > SIDE { imageops::thumbnail(&pixels, fitted(width), fitted(height)) } else { pixels }
}

fn back(pixels: RgbImage) -> Image {
    Image::from_rgb8(pixels.width() as usize, pixels.height() as usize, pixels.into_raw())
}

/// From a share of the image's side to one of the net's square; `None` outside of it.
fn seen(share: f64, side: f64, other: f64, resize: Resize) -> Option<f64> {
    let square = match resize {
        Resize::Squash => side,
        Resize::Crop => side.min(other),
        Resize::Pad => side.max(other),
    };
    let place = 0.5 + (share - 0.5) * side / square;
    (0.0..=1.0).contains(&place).then_some(place)
}

fn colour(heat: f32) -> [f32; 3] {
    let place = heat.clamp(0.0, 1.0) * (COLOURS.len() - 1) as f32;
    let low = (place as usize).min(COLOURS.len() - 2);
    let part = place - low as f32;
    std::array::from_fn(|channel| COLOURS[low][channel] * (1.0 - part) + COLOURS[low + 1][channel] * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_colours_its_place_only() {
        let image = Image::from_grey8(4, 2, &[100; 8]);
        let map = Heatmap { width: 2, height: 1, values: vec![0.0, 1.0] };
        let shown = overlay(&image, &map, Resize::Squash);
        let pixels = shown.to_rgb8();
        assert_eq!(pixels[..3], [100; 3]);
        assert!(pixels[9] > 180 && pixels[9] > pixels[11], "{:?}", &pixels[9..12]);
    }

    #[test]
    fn what_the_net_did_not_see_stays() {
        // A crop of a 4×2 image sees the middle half.
        assert_eq!(seen(0.1, 4.0, 2.0, Resize::Crop), None);
        assert_eq!(seen(0.25, 4.0, 2.0, Resize::Crop), Some(0.0));
        assert_eq!(seen(0.0, 2.0, 4.0, Resize::Pad), Some(0.25));
        assert_eq!(seen(0.3, 4.0, 2.0, Resize::Squash), Some(0.3));
    }

    #[test]
    fn large_images_are_shrunk_and_set_in_a_row() {
        let large = Image::from_grey8(900, 450, &vec![7; 900 * 450]);
        let map = Heatmap { width: 1, height: 1, values: vec![1.0] };
        let shown = overlay(&large, &map, Resize::Squash);
        assert_eq!((shown.width(), shown.height()), (448, 224));
        let row = side_by_side(&[shown, Image::from_grey8(10, 20, &[7; 200])]);
        assert_eq!((row.width(), row.height()), (466, 224));
    }
}
