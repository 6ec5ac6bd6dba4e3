//! A square picture as grey levels, a plane for each channel.

/// Red, green and blue.
const CHANNELS: usize = 3;

/// One plane where all channels are alike, as of an X-ray, which spares two thirds of the work; else three.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Planes {
    size: usize,
    /// Levels in `0..=255`, `[size, size]` each.
    planes: Vec<Vec<f32>>,
}

impl Planes {
    /// Of levels `[size, size, 3]`.
    pub(super) fn new(levels: &[f32], size: usize) -> Self {
        let pixels = levels.as_chunks::<CHANNELS>().0;
        let is_grey = pixels.iter().all(|[red, green, blue]| red == green && green == blue);
        let plane = |channel: usize| pixels.iter().map(|pixel| pixel[channel]).collect();
        Self { size, planes: (0..if is_grey { 1 } else { CHANNELS }).map(plane).collect() }
    }

    /// Levels `[size, size, 3]`, cut off at 0 and 255.
    pub(super) fn into_levels(self) -> Vec<f32> {
        let mut levels = vec![0.0; self.size * self.size * CHANNELS];
        for (index, pixel) in levels.as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
            for (channel, level) in pixel.iter_mut().enumerate() {
                *level = self.planes[channel.min(self.planes.len() - 1)][index].clamp(0.0, 255.0);
            }
        }
        levels
    }

    /// Pixels of a side.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// One plane, or three.
    pub(super) fn planes(&mut self) -> &mut [Vec<f32>] {
        &mut self.planes
    }

    /// Replaces each plane.
    pub(super) fn each(&mut self, replace: impl Fn(&[f32]) -> Vec<f32>) {
        self.planes.iter_mut().for_each(|plane| *plane = replace(plane));
    }

    /// How many pixels have each grey level, of the mean over channels.
    pub(super) fn histogram(&self) -> [u32; 256] {
        let mut counts = [0; 256];
        for index in 0..self.size * self.size {
            let sum: f32 = self.planes.iter().map(|plane| plane[index]).sum();
            counts[(sum / self.planes.len() as f32).round().clamp(0.0, 255.0) as usize] += 1;
        }
        counts
    }
}
