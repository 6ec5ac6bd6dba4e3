//! Synthetic chest phantoms for the demo: drawn lungs, ribs and heart, with or without opacities.
//! They stand for nobody and say nothing about real X-rays.

use std::path::Path;

use image::GrayImage;

use crate::error::{Error, Result};
use crate::random::Random;

/// The two classes.
pub const CLASSES: [&str; 2] = ["clear", "opacity"];
/// Side of a picture.
const SIZE: u32 = 224;

/// Draws `images` phantoms of each class into class folders under `folder`.
///
/// # Errors
/// When the folder is not empty or cannot be written.
pub fn write(folder: impl AsRef<Path>, images: usize, seed: u64) -> Result<()> {
    let folder = folder.as_ref();
    if folder.exists() {
        return Err(Error::invalid(folder, "a new folder for the phantoms", "one that exists"));
    }
    for (label, class) in CLASSES.iter().enumerate() {
        let folder = folder.join(class);
        std::fs::create_dir_all(&folder).map_err(|why| Error::io("create", &folder, why))?;
        for index in 0..images {
            let mut random = stream(seed, 2 * index + label);
            save(&folder.join(format!("phantom{index:04}.png")), &draw(&mut random, label == 1))?;
        }
    }
    Ok(())
}

/// Draws `images` phantoms into one folder, every other one with opacities, for trying a model that was trained
/// on those of another seed.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_examples(folder: &Path, images: usize, seed: u64) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|why| Error::io("create", folder, why))?;
    for index in 0..images {
        let mut random = stream(seed, index);
        save(&folder.join(format!("phantom-{}.png", index + 1)), &draw(&mut random, index % 2 == 1))?;
    }
    Ok(())
}

/// The random numbers of one picture. Neighbouring streams of a small seed are the same numbers, a step apart: these begin
/// far from each other, so that no two pictures have the same noise.
fn stream(seed: u64, picture: usize) -> Random {
    Random::new(seed, (picture as u64) << 32)
}

fn save(path: &Path, picture: &GrayImage) -> Result<()> {
    picture.save(path).map_err(|why| Error::invalid(path, "a file that can be written", why.to_string()))
}

/// A soft spot: how much of it lies at a point.
struct Blob {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

impl Blob {
    /// 1 in the middle, falling off to 0 at the edge.
    fn at(&self, x: f32, y: f32) -> f32 {
        let distance = ((x - self.x) / self.width).powi(2) + ((y - self.y) / self.height).powi(2);
        (1.0 - distance).clamp(0.0, 1.0)
    }
}

fn draw(random: &mut Random, opaque: bool) -> GrayImage {
    let mut around = |middle: f32, spread: f32| middle + random.symmetric(spread);
    let (shift_x, shift_y, scale) = (around(0.0, 0.03), around(0.0, 0.03), around(1.0, 0.08));
    let lung = |x: f32| Blob { x: x + shift_x, y: 0.5 + shift_y, width: 0.19 * scale, height: 0.37 * scale };
    let lungs = [lung(0.29), lung(0.71)];
    let heart = Blob { x: 0.54 + shift_x, y: 0.63 + shift_y, width: 0.17 * around(1.0, 0.15), height: 0.2 };
    let (rib_phase, rib_count, rib_depth) = (around(0.0, 1.0), around(9.0, 1.0), around(12.0, 5.0));
    let (exposure, contrast) = (around(0.0, 12.0), around(1.0, 0.12));
    let spots: Vec<(Blob, f32)> = (0..if opaque { 1 + random.below(3) } else { 0 })
        .map(|_| {
            let lung = &lungs[random.below(2)];
            let spot = Blob {
                x: lung.x + random.symmetric(0.08),
                y: lung.y + random.symmetric(0.2),
                width: 0.07 + random.unit() * 0.06,
                height: 0.06 + random.unit() * 0.08,
            };
            (spot, 45.0 + random.unit() * 45.0)
        })
        .collect();
    GrayImage::from_fn(SIZE, SIZE, |column, row| {
        let (x, y) = (column as f32 / SIZE as f32, row as f32 / SIZE as f32);
        let air = lungs.iter().map(|lung| lung.at(x, y).sqrt()).fold(0.0, f32::max);
        let rib =
            ((y * rib_count + (x - 0.5).abs() * 2.0) * std::f32::consts::TAU + rib_phase).sin().max(0.0);
        let mut grey = 175.0 - 110.0 * air + rib_depth * rib * air + 70.0 * heart.at(x, y) * air;
        grey += spots.iter().map(|(spot, depth)| spot.at(x, y).sqrt() * depth).sum::<f32>() * air;
        grey = (grey - 128.0) * contrast + 128.0 + exposure + random.symmetric(9.0);
        image::Luma([grey.clamp(0.0, 255.0) as u8])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_every_pixel() {
        let picture = |seed| draw(&mut Random::new(seed, 0), true).into_raw();
        assert_eq!(picture(1), picture(1));
        assert_ne!(picture(1), picture(2));
    }
}
