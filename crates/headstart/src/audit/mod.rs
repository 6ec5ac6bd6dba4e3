//! What is wrong with a data set, before anything is trained on it. Nothing is changed or deleted.

mod appearance;
mod burned_in_text;
mod confirm;
mod cues;
mod duplicates;
mod findings;
mod groups;
mod independent;
mod labels;
mod marks;
mod memory;
mod mirroring;
mod neighbours;
mod oddities;
mod perceptual;
mod plane;
mod quarantine;
mod registration;
mod shortcuts;
mod style;
mod survey;
mod view;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use self::findings::{Finding, Weight};
pub use self::labels::{Features, Labels, Suspect};
pub use self::style::{Family, FamilyTells, StyleAudit};
pub use self::survey::Survey;
use crate::dataset::{Dataset, Split, folds};
use crate::error::Result;
use crate::evaluate::Estimate;
use crate::features::Extractor;
use crate::observer::Observer;
use crate::ranks::Ranks;

/// Parts that the data is cut into where something is learned; each is scored by what the others teach.
const FOLDS: usize = 5;
/// Decides which image is in which part.
const SEED: u64 = 7;

/// What was found. Lists are complete, the worst first.
#[derive(Debug, Serialize)]
pub struct Audit {
    /// The folder or file.
    pub data: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Number of images by split and class, those that cannot be used too.
    pub counts: Vec<Counts>,
    /// How many times more images the largest class has than the smallest.
    pub imbalance: f64,
    /// Files that cannot be used.
    pub faults: Vec<Fault>,
    /// Files whose name promises another format.
    pub misnamed: Vec<Misnamed>,
    /// The same bytes more than once.
    pub exact_duplicates: Vec<Duplicates>,
    /// Nearly the same picture more than once: scaled, compressed, brightened, cropped, turned or framed apart, mirrored
    /// or inverted.
    pub near_duplicates: Vec<Duplicates>,
    /// Groups with images in more than one split.
    pub shared_groups: Vec<SharedGroup>,
    /// How well the class is told by what has nothing to do with the picture.
    pub shortcuts: Vec<Shortcut>,
    /// How well the class is told by how the pictures were made.
    pub style: StyleAudit,
    /// Pictures that are unlike the others.
    pub oddities: Vec<Oddity>,
    /// Labels that are probably wrong; `None` when that was not asked.
    pub labels: Option<Labels>,
}

/// An image of the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Which of [`Dataset::samples`].
    #[serde(skip)]
    pub index: usize,
    /// As [`crate::dataset::Sample::path`].
    pub path: String,
    /// Name of its class.
    pub class: String,
    /// Its split, if the data has any.
    pub split: Option<Split>,
}

/// Number of images of a split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counts {
    /// `None` for data without splits.
    pub split: Option<Split>,
    /// By class.
    pub images: Vec<usize>,
    /// How many times more images its largest class has than its smallest.
    pub imbalance: f64,
}

/// A file that cannot be used.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    /// Which.
    pub image: Place,
    /// What kind of fault.
    pub kind: FaultKind,
    /// In words.
    pub why: String,
}

/// Why a file cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The file system refuses it.
    Unreadable,
    /// No byte.
    Empty,
    /// Text, or a format that is not known.
    NoImage,
    /// Past the limits of a picture.
    TooLarge,
    /// Of a kind that is not read.
    Unsupported,
    /// The end is missing.
    Truncated,
    /// Broken otherwise.
    Damaged,
}

/// A file whose name promises another format.
#[derive(Debug, Clone, Serialize)]
pub struct Misnamed {
    /// Which.
    pub image: Place,
    /// What it is.
    pub found: &'static str,
}

/// Images that show the same.
#[derive(Debug, Clone, Serialize)]
pub struct Duplicates {
    /// All of them, in the order of the data.
    pub images: Vec<Place>,
    /// Whether they have more than one label: all but one are wrong.
    pub across_classes: bool,
    /// Whether they are in more than one split: what is measured is too good.
    pub across_splits: bool,
    /// Of near duplicates the greatest number of hash bits, of 256, between two that were tied.
    pub distance: u32,
    /// Whether some are mirrored.
    pub mirrored: bool,
}

/// A group with images in more than one split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SharedGroup {
    /// Its name.
    pub group: String,
    /// Number of its images by split.
    pub images: Vec<(Split, usize)>,
}

/// A cue that has nothing to do with what a picture shows, and how well it tells a class.
#[derive(Debug, Clone, Serialize)]
pub struct Shortcut {
    /// "file size", "width", "mark, top left".
    pub cue: String,
    /// The class that it tells best against the rest.
    pub class: String,
    /// How the class is told.
    pub tells: Tells,
    /// Area under the ROC curve of the cue alone, cross-validated, with DeLong's interval.
    pub auc: Estimate,
    /// Whether the interval lies above 0.6.
    pub flagged: bool,
    /// In what the class differs and what to do about it, in a few sentences.
    pub meaning: String,
}

/// How a cue tells a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tells {
    /// The class has more of it.
    More,
    /// The class has less of it.
    Less,
    /// The class lies in some ranges of it.
    Between,
    /// The class has left and right exchanged.
    Mirrored,
}

impl Tells {
    /// `PNEUMONIA has more`.
    pub fn of(self, class: &str) -> String {
        match self {
            Self::More => format!("{class} has more"),
            Self::Less => format!("{class} has less"),
            Self::Between => format!("{class} has other ranges"),
            Self::Mirrored => format!("{class} is mirrored"),
        }
    }
}

/// A picture that is unlike the others.
#[derive(Debug, Clone, Serialize)]
pub struct Oddity {
    /// Which.
    pub image: Place,
    /// In what.
    pub kind: OddityKind,
    /// In words.
    pub why: String,
}

/// In what a picture is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OddityKind {
    /// Much larger or smaller.
    Size,
    /// Much wider or narrower.
    Shape,
    /// Black all over.
    Black,
    /// White all over.
    White,
    /// Grey all over, or nearly.
    LowContrast,
    /// Without the fine detail that the others have.
    Blurred,
    /// Coloured among grey ones.
    Coloured,
    /// Grey among coloured ones.
    Grey,
    /// Letters burned in.
    Writing,
    /// One of several frames of its file.
    Frames,
}

impl OddityKind {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 10] = [
        Self::Black,
        Self::White,
        Self::LowContrast,
        Self::Blurred,
        Self::Size,
        Self::Shape,
        Self::Coloured,
        Self::Grey,
        Self::Writing,
        Self::Frames,
    ];

    /// A few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Size => "odd size",
            Self::Shape => "odd aspect ratio",
            Self::Black => "all black",
            Self::White => "all white",
            Self::LowContrast => "low contrast",
            Self::Blurred => "blurred",
            Self::Coloured => "coloured among grey",
            Self::Grey => "grey among coloured",
            Self::Writing => "burned-in text",
            Self::Frames => "first of several frames",
        }
    }
}

impl Place {
    fn new(dataset: &Dataset, index: usize) -> Self {
        let sample = &dataset.samples[index];
        let class = dataset.classes[sample.label].clone();
        Self { index, path: sample.path().into(), class, split: sample.split }
    }
}

/// Looks at every image of `dataset`, and at its labels too where an `extractor` gives features of the images to check
/// them by. `cache` is the folder of the feature cache.
///
/// # Errors
/// When the cache cannot be written, or [`crate::Error::Interrupted`]. A file that cannot be used is
/// no error.
pub fn audit(
    dataset: &Dataset,
    cache: &Path,
    extractor: Option<&Extractor>,
    observer: &mut dyn Observer,
) -> Result<Audit> {
    let survey = Survey::of(dataset, (cache, &Ranks::default()), observer)?;
    let style = StyleAudit::of(dataset, &survey, observer)?;
    let check = |extractor| labels::check(dataset, &survey, extractor, cache, observer);
    let labels = extractor.map(check).transpose()?;
    Ok(Audit::of(dataset, &survey, style, labels))
}

impl Audit {
    /// Everything that `survey` tells about `dataset`, and what is known of its style and labels.
    pub fn of(dataset: &Dataset, survey: &Survey, style: StyleAudit, labels: Option<Labels>) -> Self {
        let looks = survey.looks(dataset);
        let duplicates = survey.duplicates(dataset);
        let units = folds::units(dataset, duplicates.ties);
        let counts = groups::counts(dataset);
        Self {
            data: dataset.root.display().to_string(),
            classes: dataset.classes.clone(),
            imbalance: groups::imbalance(&groups::all(&counts)),
            counts,
            faults: survey.faults(dataset),
            misnamed: survey.misnamed(dataset),
            exact_duplicates: duplicates.exact,
            near_duplicates: duplicates.near,
            shared_groups: groups::shared(dataset),
            shortcuts: shortcuts::find(dataset, &looks, &units),
            style,
            oddities: oddities::find(dataset, &looks),
            labels,
        }
    }
}
