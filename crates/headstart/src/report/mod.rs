//! What a run shows to people: pictures, a summary of the layers, and one self-contained page.

mod axis;
mod checklist;
mod choice;
mod conduct;
mod confusion;
mod curves;
mod diagram;
mod histogram;
mod html;
mod learning_curve;
mod markdown;
mod model_card;
mod numbers;
mod operating;
mod precision;
mod rate_finder;
mod reliability;
mod roc;
#[cfg(test)]
mod sample;
mod square;
mod stress;
mod summary;
mod svg;
mod words;

use crate::backbone::LayerRow;
use crate::classifier::Member;
use crate::evaluate::{
    Calibration, Estimate, OperatingPoint, PrecisionPoint, ReliabilityBin, RocPoint, SplitMetrics,
    ThresholdPolicy,
};
use crate::external::Stressed;
use crate::gate::GateFacts;
use crate::history::History;

pub use crate::numbers::thousands;
pub use checklist::checklist;
pub use choice::choice_svg;
pub use conduct::Conduct;
pub use confusion::confusion_svg;
pub use curves::curves_svg;
pub use diagram::diagram_svg;
pub use histogram::{BARS, histogram, histogram_svg};
pub use html::{audit_html, report_html};
pub use learning_curve::learning_curve_svg;
pub use model_card::model_card;
pub use operating::operating;
pub use precision::precision_svg;
pub use rate_finder::rate_finder_svg;
pub use reliability::reliability_svg;
pub use roc::roc_svg;
pub use stress::stress_svg;
pub use summary::summary_table;
pub use words::curves_in_words;

/// What the page is made from.
#[derive(Debug, Clone)]
pub struct Report {
    /// Heading of the page.
    pub title: String,
    /// What the classifier must not be used for.
    pub caution: String,
    /// Why the results say less than they seem to: these sentences stand beside them.
    pub doubts: Vec<String>,
    /// What else went wrong: a collapse, a divergence.
    pub warnings: Vec<String>,
    /// How it was done, as far as sentences depend on it.
    pub conduct: Conduct,
    /// Names of the classes, in the order of the scores.
    pub classes: Vec<String>,
    /// Of two classes the one that is looked for.
    pub positive: usize,
    /// What it was trained and measured on.
    pub dataset: DatasetFacts,
    /// What was trained.
    pub model: ModelFacts,
    /// The epochs.
    pub history: History,
    /// The trainings whose mean the model is; none when it is a single one.
    pub members: Vec<Member>,
    /// How the threshold was chosen on the validation images.
    pub threshold_policy: ThresholdPolicy,
    /// In the order in which they are shown; the one named `test`, else the first, makes the headline.
    pub results: Vec<SplitResult>,
    /// The stress test, the images as they are first; empty where none was made.
    pub stress: Vec<Stressed>,
    /// Which thresholds validation cannot tell from the one that was chosen.
    pub plateau: Option<[f64; 2]>,
    /// How the scores were calibrated on the validation images, if they were.
    pub calibration: Option<Calibration>,
    /// What refuses unfamiliar images, if anything does.
    pub gate: Option<GateFacts>,
    /// The surest mistakes of the split that makes the headline, the surest first.
    pub mistakes: Vec<Mistake>,
    /// The same split by what a CSV says of its images.
    pub subgroups: Vec<Subgroup>,
    /// The resolved configuration, as TOML.
    pub configuration: String,
    /// The command that does it again.
    pub command: String,
    /// When the training was over: a date.
    pub date: String,
    /// Decided split, head, order and dropout.
    pub seed: u64,
    /// Version of headstart.
    pub version: String,
}

impl Report {
    /// What makes the headline: the test split, or the first where none is called so.
    fn main_result(&self) -> Option<&SplitResult> {
        self.result("test").or(self.results.first())
    }

    /// What was measured under a name.
    fn result(&self, name: &str) -> Option<&SplitResult> {
        self.results.iter().find(|result| result.name == name)
    }
}

/// The images of a run.
#[derive(Debug, Clone)]
pub struct DatasetFacts {
    /// Each split.
    pub splits: Vec<SplitFacts>,
    /// What holds images together in one split ("patient"); `None` when each stands alone.
    pub grouped_by: Option<String>,
    /// Groups with images in more than one split: the leak that should not be.
    pub shared_groups: usize,
    /// Files that could not be used.
    pub set_aside: Vec<SetAside>,
}

/// The images of a split.
#[derive(Debug, Clone)]
pub struct SplitFacts {
    /// `train`, `validation`, `test`.
    pub name: String,
    /// Number of images by class.
    pub images: Vec<usize>,
    /// Number of groups.
    pub groups: usize,
}

/// A file that could not be used.
#[derive(Debug, Clone)]
pub struct SetAside {
    /// Which.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// The net, and whose weights it began with.
#[derive(Debug, Clone)]
pub struct ModelFacts {
    /// Name of the backbone.
    pub backbone: String,
    /// Where its weights come from.
    pub source: String,
    /// Under which terms.
    pub licence: String,
    /// Of the weights' file, in hexadecimal.
    pub sha256: String,
    /// All layers, head included.
    pub layers: Vec<LayerRow>,
}

/// What was measured on a split.
#[derive(Debug, Clone)]
pub struct SplitResult {
    /// `train`, `validation`, `test`.
    pub name: String,
    /// The numbers.
    pub metrics: SplitMetrics,
    /// Of two classes the curve of the positive one; empty otherwise.
    pub roc: Vec<RocPoint>,
    /// Of two classes precision and recall of the positive one; empty otherwise.
    pub precision: Vec<PrecisionPoint>,
    /// What scores promise and what happened.
    pub reliability: Vec<ReliabilityBin>,
    /// Of two classes what other thresholds would come to; `None` otherwise.
    pub operating: Option<Operating>,
    /// Of two classes the number of images by score, the other class first; `None` otherwise.
    pub histogram: Option<[[usize; BARS]; 2]>,
}

/// What other thresholds would come to.
#[derive(Debug, Clone)]
pub struct Operating {
    /// Those that matter, each with what it is wanted for.
    pub landmarks: Vec<(String, OperatingPoint)>,
    /// At 0, 0.01 and so on up to 1.
    pub hundredths: Vec<OperatingPoint>,
}

/// An image that was classified wrong.
#[derive(Debug, Clone)]
pub struct Mistake {
    /// Which.
    pub path: String,
    /// What it is.
    pub truth: String,
    /// What it was called.
    pub predicted: String,
    /// Score of what it was called.
    pub score: f64,
    /// The image beside its heat map, as a `data:` address; `None` when it could not be read again.
    pub picture: Option<String>,
}

/// Images that have an attribute in common.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Subgroup {
    /// Name of the CSV's column.
    pub attribute: String,
    /// Its value.
    pub value: String,
    /// Number of images.
    pub images: usize,
    /// Share classified right.
    pub accuracy: Estimate,
    /// Area under the ROC curve.
    pub auc: Estimate,
    /// Share of the positives that are found.
    pub sensitivity: Estimate,
    /// Share of the negatives that are left alone.
    pub specificity: Estimate,
}

/// Text as content of an HTML or XML element or of a quoted attribute. Control characters, which XML
/// forbids, become U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(letter),
            _ if letter.is_control() => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(escape("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
        assert_eq!(escape("a\u{0}b\nc"), "a\u{fffd}b\nc");
        assert_eq!(escape("Ü × …"), "Ü × …");
    }
}
