//! Why the numbers of an evaluation say less than they seem to: known from the data, told beside the numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::dataset::{Split, Tally};
use crate::numbers::thousands;
use crate::visible::visible;

/// With fewer images of a class than this in a split, what is chosen or measured there is mostly chance.
const FEW: usize = 10;

/// One reason. `Display` is a whole sentence for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Doubt {
    /// The splits that the data came with share groups.
    SharedGroups {
        /// How many.
        groups: usize,
    },
    /// A class has next to no images in validation or test.
    FewImages {
        /// Where.
        split: Split,
        /// Name of the class.
        class: String,
        /// How many it has.
        images: usize,
    },
}

impl Doubt {
    /// All that the counts of a data set give reason for. Its splits are cut already.
    pub fn of(tally: &Tally) -> Vec<Self> {
        let groups = tally.shared_groups;
        let shared = (groups > 0).then_some(Self::SharedGroups { groups });
        let few = [Split::Validation, Split::Test].into_iter().flat_map(|split| {
            let counts = tally.classes.iter().zip(tally.counts(Some(split)));
            let few = counts.filter(|(_, images)| (1..FEW).contains(*images));
            few.map(move |(class, images)| Self::FewImages { split, class: class.clone(), images: *images })
        });
        shared.into_iter().chain(few).collect()
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedGroups { groups } => write!(
                formatter,
                "The splits that the data came with share {} groups of images (patients by name, or pictures that show \
                 the same). Where these are the same people or pictures, what was measured is too good.",
                thousands(*groups)
            ),
            Self::FewImages { split, class, images } => {
                let images = if *images == 1 { "1 image".into() } else { format!("{images} images") };
                let so = match split {
                    Split::Test => "what was measured on them is mostly chance",
                    Split::Train | Split::Validation => {
                        "what was chosen or measured on them, such as the calibration, is mostly chance"
                    }
                };
                write!(
                    formatter,
                    "The {split} split has only {images} of the class {}: {so}.",
                    visible(class)
                )
            }
        }
    }
}
