//! What data holds: images by split and class, and whether groups cross the splits.

use std::path::Path;

use super::{Dataset, Sample, Split};
use crate::error::{Error, Result};

/// So many classes may have few images each.
const FEW: usize = 100;
/// Classes of a single image, at most.
const MOST_ALONE: usize = 1000;
/// Classes, at most: as many as a sealed model may have.
pub(crate) const MOST_CLASSES: usize = 10_000;
/// The longest name of a class in characters, as long as a folder's can be: tables make room for the longest.
pub(crate) const LONGEST_CLASS: usize = 255;

/// Numbers of images and of groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Number of groups, an image that stands alone being one.
    pub groups: usize,
    /// Number of groups that have images in more than one split.
    pub shared_groups: usize,
    /// Images of each class in no split, and in each.
    images: [Vec<usize>; 1 + Split::ALL.len()],
}

impl Tally {
    pub(super) fn new(classes: Vec<String>) -> Self {
        let images = std::array::from_fn(|_| vec![0; classes.len()]);
        Self { classes, groups: 0, shared_groups: 0, images }
    }

    pub(super) fn add(&mut self, split: Option<Split>, label: usize) {
        self.images[place(split)][label] += 1;
    }

    /// Takes an image out of the counts.
    pub(crate) fn remove(&mut self, split: Option<Split>, label: usize) {
        self.images[place(split)][label] -= 1;
    }

    /// Number of images of each class in a split; `None` are those that are in none.
    pub fn counts(&self, split: Option<Split>) -> &[usize] {
        &self.images[place(split)]
    }

    /// Whether a split has images.
    pub(crate) fn has(&self, split: Split) -> bool {
        self.counts(Some(split)).iter().any(|count| *count > 0)
    }

    /// Images of each class that may be trained with: those that are not held out.
    pub(super) fn trainable(&self) -> Vec<usize> {
        let (none, train) = (self.counts(None), self.counts(Some(Split::Train)));
        none.iter().zip(train).map(|(none, train)| none + train).collect()
    }

    /// Two classes, and images of each in every split that there is. `root` is the data, for the message.
    pub(super) fn check(&self, root: &Path) -> Result<()> {
        if self.classes.len() < 2 {
            let found = format!("{} ({})", self.classes.len(), self.classes.join(", "));
            return Err(Error::invalid(root, "at least two classes", found));
        }
        self.check_shared(root)?;
        if let Some(class) = self.classes.iter().find(|class| class.contains('|')) {
            let found = format!("{class}: where several classes are listed, | stands between them");
            return Err(Error::invalid(root, "names of classes without |", found));
        }
        if let Some(class) = self.classes.iter().find(|class| class.chars().count() > LONGEST_CLASS) {
            let start: String = class.chars().take(40).collect();
            let found = format!("one of {}: {start}…", class.chars().count());
            return Err(Error::invalid(root, format!("labels of at most {LONGEST_CLASS} characters"), found));
        }
        for split in [None, Some(Split::Train), Some(Split::Validation), Some(Split::Test)] {
            let counts = self.counts(split);
            if let Some(class) = counts.iter().position(|count| *count == 0)
                && counts.iter().any(|count| *count > 0)
            {
                let place = split.map(|split| format!(" in {split}")).unwrap_or_default();
                let expected = format!("images of each class{place}");
                return Err(Error::invalid(root, expected, format!("none of {}", self.classes[class])));
            }
        }
        Ok(())
    }

    /// Classes that images share: a column or folders that name each image for itself are found here, before anything is
    /// computed for so many classes.
    fn check_shared(&self, root: &Path) -> Result<()> {
        let classes = self.classes.len();
        let images = |class: usize| self.images.iter().map(|counts| counts[class]).sum::<usize>();
        let (all, alone) = (0..classes)
            .map(images)
            .fold((0, 0), |(all, alone), count| (all + count, alone + usize::from(count == 1)));
        if (classes <= FEW || 2 * classes <= all) && alone <= MOST_ALONE {
            return match classes <= MOST_CLASSES {
                true => Ok(()),
                false => {
                    Err(Error::invalid(root, format!("at most {MOST_CLASSES} classes"), classes.to_string()))
                }
            };
        }
        let found = format!(
            "{classes} different ones of {all} images, {alone} of which have one image each: this looks like a column or \
             folders that name each image for itself"
        );
        Err(Error::invalid(root, "labels that images share", found))
    }
}

fn place(split: Option<Split>) -> usize {
    split.map_or(0, |split| 1 + split as usize)
}

impl Dataset {
    /// What it holds.
    pub fn tally(&self) -> Tally {
        let (groups, shared_groups) = (self.groups(), self.shared_groups());
        Tally { groups, shared_groups, ..self.images() }
    }

    /// Two classes, and images of each in every split that there is.
    pub(super) fn check(&self) -> Result<()> {
        self.images().check(&self.root)
    }

    fn images(&self) -> Tally {
        let mut tally = Tally::new(self.classes.clone());
        self.samples.iter().for_each(|Sample { split, label, .. }| tally.add(*split, *label));
        tally
    }
}
