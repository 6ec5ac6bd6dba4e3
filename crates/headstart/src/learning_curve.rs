//! What came of trainings at several numbers of labelled images, in numbers and in words.

use serde::Serialize;

/// Where a training begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// Pretrained weights; all but the last block and the head frozen, as the recipe says.
    Transfer,
    /// Random weights, all of them trained.
    Random,
}

/// One training.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// Where it began.
    pub start: Start,
    /// Labelled images of each class; one in five of them validates.
    pub images_per_class: usize,
    /// Which images these are, and the seed of the training.
    pub seed: u64,
    /// Area under the ROC curve on the test images; the mean over classes of more than two.
    pub auc: f64,
    /// Share of the test images whose largest score is right.
    pub accuracy: f64,
    /// Time of the training, the trunk's share for these images included.
    pub seconds: f64,
}

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub struct LearningCurve {
    /// Name of the backbone.
    pub backbone: String,
    /// Side of the net's input in pixels.
    pub image_size: usize,
    /// Number of test images.
    pub test_images: usize,
    /// Images that each training saw, counted as often as it saw them.
    pub images_seen: usize,
    /// All trainings.
    pub points: Vec<Point>,
    /// Time in all.
    pub seconds: f64,
}

/// Mean, least and greatest of the trainings of one kind and size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Labelled images of each class.
    pub images_per_class: usize,
    /// Mean area under the ROC curve.
    pub mean: f64,
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// Mean time.
    pub seconds: f64,
}

impl LearningCurve {
    /// By number of images, in rising order.
    pub fn bands(&self, start: Start) -> Vec<Band> {
        let mut sizes: Vec<usize> = self.points.iter().map(|point| point.images_per_class).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let of = |size: usize| {
            let own = || self.points.iter().filter(move |p| p.start == start && p.images_per_class == size);
            let count = own().count() as f64;
            Band {
                images_per_class: size,
                mean: own().map(|point| point.auc).sum::<f64>() / count,
                low: own().map(|point| point.auc).fold(f64::INFINITY, f64::min),
                high: own().map(|point| point.auc).fold(f64::NEG_INFINITY, f64::max),
                seconds: own().map(|point| point.seconds).sum::<f64>() / count,
            }
        };
        sizes.into_iter().map(of).filter(|band| band.mean.is_finite()).collect()
    }

    /// What transfer saves, in a sentence or two.
    pub fn in_words(&self) -> String {
        let (transfer, random) = (self.bands(Start::Transfer), self.bands(Start::Random));
        let Some(best) = random.iter().max_by(|a, b| a.mean.total_cmp(&b.mean)) else {
            return "Nothing was trained from random weights.".into();
        };
        let Some(enough) = transfer.iter().find(|band| band.mean >= best.mean) else {
            return format!(
                "Transfer saves nothing here: from random weights {} images a class reach an AUC of {:.3}, which \
                 transfer does not.",
                best.images_per_class, best.mean
            );
        };
        let most = if enough == &transfer[0] { "at most " } else { "" };
        format!(
            "From random weights the best is an AUC of {:.3}, with {} labelled images a class, in {:.1} minutes of \
             training. Transfer is that good ({:.3}) with {most}{} images a class, in {:.1} minutes: it saves {} labelled \
             images a class and {:.1} minutes.",
            best.mean,
            best.images_per_class,
            best.seconds / 60.0,
            enough.mean,
            enough.images_per_class,
            enough.seconds / 60.0,
            best.images_per_class.saturating_sub(enough.images_per_class),
            (best.seconds - enough.seconds) / 60.0,
        )
    }

    /// A row for each number of images.
    pub fn table(&self) -> String {
        let mut text = String::from(
            "| images a class | transfer: AUC (least–most) | seconds | random weights: AUC (least–most) | seconds |\n\
             |---|---|---|---|---|\n",
        );
        let random = self.bands(Start::Random);
        for band in self.bands(Start::Transfer) {
            let cell = |band: &Band| {
                format!("{:.3} ({:.3}–{:.3}) | {:.1}", band.mean, band.low, band.high, band.seconds)
            };
            let other = random.iter().find(|other| other.images_per_class == band.images_per_class);
            let other = other.map_or("– | –".into(), cell);
            text += &format!("| {} | {} | {other} |\n", band.images_per_class, cell(&band));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(Start, usize, f64)]) -> LearningCurve {
        let point = |(start, images_per_class, auc): &(Start, usize, f64)| Point {
            start: *start,
            images_per_class: *images_per_class,
            seed: 0,
            auc: *auc,
            accuracy: 0.5,
            seconds: if *start == Start::Transfer { 6.0 } else { 60.0 },
        };
        LearningCurve {
            backbone: "net".into(),
            image_size: 32,
            test_images: 10,
            images_seen: 100,
            points: points.iter().map(point).collect(),
            seconds: 1.0,
        }
    }

    #[test]
    fn what_transfer_saves_is_counted() {
        use Start::{Random, Transfer};
        let points = [
            (Transfer, 25, 0.7),
            (Transfer, 50, 0.9),
            (Random, 25, 0.5),
            (Random, 50, 0.6),
            (Random, 50, 0.8),
        ];
        let words = curve(&points).in_words();
        assert!(words.contains("an AUC of 0.700, with 50 labelled images"), "{words}");
        assert!(
            words.contains("at most 25 images a class") && words.contains("saves 25 labelled"),
            "{words}"
        );
        let bands = curve(&points).bands(Random);
        assert_eq!((bands[1].mean, bands[1].low, bands[1].high), (0.7, 0.6, 0.8));
        let worse = curve(&[(Transfer, 25, 0.6), (Random, 25, 0.7)]).in_words();
        assert!(worse.starts_with("Transfer saves nothing here"), "{worse}");
        assert!(
            curve(&points)
                .table()
                .contains("| 50 | 0.900 (0.900–0.900) | 6.0 | 0.700 (0.600–0.800) | 60.0 |")
        );
    }
}
