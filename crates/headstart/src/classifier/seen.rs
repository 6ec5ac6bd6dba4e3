//! Which images a model has seen: short hashes of what it was trained and validated on, sealed with it. They tell
//! nothing about an image, but whoever has the image itself can tell whether the model was trained on it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::dataset::Digest;

/// Bytes that are kept of an image's SHA-256: among a million images two are mistaken for each other with a
/// chance of one in forty million.
const KEPT: usize = 8;

/// The images that a model was trained and validated on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Those that its weights were fitted to.
    training: Hashes,
    /// Those that chose epoch, threshold and calibration, and nothing else.
    validation: Hashes,
}

/// How many of some images a model has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SeenBefore {
    /// Number of images that its weights were fitted to.
    pub training: usize,
    /// Number of images that chose epoch, threshold and calibration.
    pub validation: usize,
}

impl Seen {
    /// Of the digests of all training and validation images.
    pub(crate) fn new(
        training: impl Iterator<Item = Digest>,
        validation: impl Iterator<Item = Digest>,
    ) -> Self {
        Self { training: Hashes::new(training), validation: Hashes::new(validation) }
    }

    /// Adds images that calibration and threshold were fitted to.
    pub(crate) fn add_validation(&mut self, images: &[Digest]) {
        self.validation.0.extend(images.iter().map(shortened));
        self.validation.0.sort_unstable();
        self.validation.0.dedup();
    }

    /// Whether the image with this digest chose epoch, threshold or calibration; where folds took turns its weights may have
    /// been fitted to it, too.
    pub fn was_validated(&self, image: &Digest) -> bool {
        self.validation.contains(image)
    }

    /// How many of the images with these digests are among them.
    pub fn count(&self, images: &[Digest]) -> SeenBefore {
        let training = images.iter().filter(|image| self.training.contains(image)).count();
        let validated = |image: &&Digest| !self.training.contains(image) && self.validation.contains(image);
        SeenBefore { training, validation: images.iter().filter(validated).count() }
    }
}

impl SeenBefore {
    /// Number of images that the model has seen at all.
    pub fn images(self) -> usize {
        self.training + self.validation
    }
}

/// The first bytes of digests, in order. As text, their base 64.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Hashes(Vec<[u8; KEPT]>);

impl Hashes {
    fn new(digests: impl Iterator<Item = Digest>) -> Self {
        let mut hashes: Vec<_> = digests.map(|digest| shortened(&digest)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        Self(hashes)
    }

    fn contains(&self, digest: &Digest) -> bool {
        self.0.binary_search(&shortened(digest)).is_ok()
    }
}

fn shortened(digest: &Digest) -> [u8; KEPT] {
    *digest.first_chunk().expect("a digest has 32 bytes")
}

impl From<Hashes> for String {
    fn from(hashes: Hashes) -> Self {
        STANDARD_NO_PAD.encode(hashes.0.as_flattened())
    }
}

impl TryFrom<String> for Hashes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes = STANDARD_NO_PAD.decode(text).map_err(|why| format!("hashes in base 64: {why}"))?;
        let (hashes, rest) = bytes.as_chunks();
        match rest {
            [] => Ok(Self(hashes.to_vec())),
            _ => Err(format!("hashes of {KEPT} bytes each, found {} bytes", bytes.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(numbers: std::ops::Range<u8>) -> Vec<Digest> {
        numbers.map(|number| std::array::from_fn(|place| number.wrapping_mul(37) ^ place as u8)).collect()
    }

    #[test]
    fn what_was_seen_is_counted_after_sealing_too() {
        let seen = Seen::new(digests(0..20).into_iter(), digests(15..30).into_iter());
        let text = serde_json::to_string(&seen).expect("a plain struct");
        // 20 and 15 hashes of 8 bytes, in base 64.
        assert!(text.len() < (20 + 15) * 11 + 50, "{}", text.len());
        let again: Seen = serde_json::from_str(&text).expect("own text");
        assert_eq!(again, seen);
        // 18 and 19 are both: trained on counts.
        assert_eq!(again.count(&digests(18..40)), SeenBefore { training: 2, validation: 10 });
        assert_eq!(again.count(&digests(40..90)).images(), 0);
    }

    #[test]
    fn hashes_that_are_cut_are_refused() {
        let read = |text: &str| serde_json::from_str::<Hashes>(text).map_err(|why| why.to_string());
        assert!(read("\"AAAA\"").expect_err("three bytes").contains("found 3 bytes"));
        assert!(read("\"=!\"").is_err());
        assert_eq!(read("\"\""), Ok(Hashes::default()));
    }
}
