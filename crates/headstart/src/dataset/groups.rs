//! Which images belong together: those of one patient, by their paths, and those that show the same.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::clusters::Clusters;
use super::{Dataset, Sample, folds};
use crate::error::{Error, Result};
use crate::image::{Format, patient};
use crate::regular;

/// Collections whose paths tell the patient, in the order in which they are tried.
const PRESETS: [(&str, &str); 5] = [
    // Kermany et al. 2018: `person12_virus_3.jpeg`, `IM-0115-0001.jpeg`. `NORMAL2-IM-0115-0001.jpeg` is
    // another patient, because the numbers of that series start anew.
    ("kermany", r"(?:^|/)(?:(person\d+)_|((?:NORMAL2-)?IM-\d+)-)[^/]*$"),
    // NIH ChestX-ray14: `00000013_005.png`.
    ("nih", r"(?:^|/)(\d{8})_\d{3}\.[^/.]+$"),
    // CheXpert and MURA: `patient00001/study1/view1_frontal.jpg`.
    ("chexpert", r"(?:^|/)(patient\d{3,})/"),
    // MIMIC-CXR: `p10000032/s50414267/….jpg`.
    ("mimic", r"(?:^|/)(p\d{8})/s\d{8}/"),
    // The Brain Imaging Data Structure: `sub-01/anat/sub-01_T1w.png`.
    ("bids", r"(?:^|/)(sub-[0-9A-Za-z]+)[_/]"),
];

static COMPILED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let compile = |(_, pattern): &(&str, &str)| Regex::new(pattern).expect("a test compiles each of them");
    PRESETS.iter().map(compile).collect()
});

/// Bytes at a DICOM file's start among which the patient is looked for, after those that tell the format.
const START: [u64; 2] = [132, 1 << 20];

/// What tells which images belong together.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Grouping {
    /// A column of the CSV, else a DICOM file's patient, else whichever preset fits a path.
    #[default]
    Automatic,
    /// Each image stands alone.
    None,
    /// What the pattern's first group that takes part matches in a path, or the whole match.
    Pattern(Regex),
}

impl TryFrom<String> for Grouping {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

/// What [`Grouping::parse`] reads.
impl From<Grouping> for String {
    fn from(grouping: Grouping) -> Self {
        match grouping {
            Grouping::Automatic => "auto".into(),
            Grouping::None => "none".into(),
            Grouping::Pattern(pattern) => pattern.as_str().into(),
        }
    }
}

impl FromStr for Grouping {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl Grouping {
    /// Reads `auto`, `none`, a preset's name or a regular expression.
    ///
    /// # Errors
    /// [`Error::Setting`] when it is none of them.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "auto" => return Ok(Self::Automatic),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let preset = PRESETS.iter().find(|(name, _)| *name == text);
        let pattern = preset.map_or(text, |(_, pattern)| pattern);
        Regex::new(pattern).map(Self::Pattern).map_err(|why| {
            let names = PRESETS.map(|(name, _)| name).join(", ");
            Error::setting(
                "groups",
                format!("auto, none, {names} or a regular expression"),
                format!("{text}: {why}"),
            )
        })
    }

    /// The group that a pattern finds in a path; the others find none.
    pub(super) fn group<'a>(&self, path: &'a str) -> Option<&'a str> {
        match self {
            Self::Automatic | Self::None => None,
            Self::Pattern(pattern) => matched(pattern, path),
        }
    }
}

pub(super) fn no_match(pattern: &Regex, path: &str) -> Error {
    Error::setting("groups", format!("a pattern that fits paths such as {path}"), pattern.as_str())
}

/// The patient that a path tells, by any of the presets.
pub(super) fn automatic(path: &str) -> Option<String> {
    COMPILED.iter().find_map(|pattern| matched(pattern, path)).map(str::to_string)
}

/// The patient of a file, if it is DICOM, under a pseudonym; else the one that its path tells.
pub(super) fn of_file(path: &str, file: &Path) -> Option<String> {
    let extension = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    // Other formats need not be opened.
    let is_other = |format: &Format| *format != Format::Dicom && format.extensions().contains(&&*extension);
    let patient = if Format::ALL.iter().any(is_other) { None } else { dicom_patient(file) };
    patient.or_else(|| automatic(path))
}

fn dicom_patient(file: &Path) -> Option<String> {
    let (mut file, mut start) = (regular::open(file).ok()?, Vec::new());
    for more in START {
        (&mut file).take(more).read_to_end(&mut start).ok()?;
        if Format::of(&start) != Some(Format::Dicom) {
            return None;
        }
    }
    patient(&start)
}

fn matched<'a>(pattern: &Regex, path: &'a str) -> Option<&'a str> {
    let captures = pattern.captures(path)?;
    let part = captures.iter().skip(1).flatten().next().or(captures.get(0))?;
    Some(part.as_str()).filter(|group| !group.is_empty())
}

impl Dataset {
    /// Groups the images anew.
    ///
    /// # Errors
    /// [`Error::Setting`] when a pattern matches no path.
    pub fn group_by(&mut self, grouping: &Grouping) -> Result<()> {
        match grouping {
            Grouping::Automatic => {}
            Grouping::None => self.samples.iter_mut().for_each(|sample| sample.group = None),
            Grouping::Pattern(pattern) => {
                for sample in &mut self.samples {
                    sample.group = matched(pattern, sample.path()).map(Into::into);
                }
                if self.samples.iter().all(|sample| sample.group.is_none()) {
                    return Err(no_match(pattern, self.samples.first().map_or("", Sample::path)));
                }
            }
        }
        Ok(())
    }

    /// Joins the groups of each pair of samples, an image without group being one of its own, and
    /// returns how many groups fewer there are. A joined group has the first of the names.
    pub fn join(&mut self, pairs: &[(usize, usize)]) -> usize {
        if pairs.is_empty() {
            return 0;
        }
        let before = self.groups();
        let mut ties = Clusters::new(self.samples.len());
        pairs.iter().for_each(|(left, right)| ties.join(*left, *right));
        let units = folds::units(self, ties.clone());
        let mut names = BTreeMap::<usize, (bool, Arc<str>)>::new();
        for (left, right) in pairs {
            for sample in [&self.samples[*left], &self.samples[*right]] {
                let name =
                    (sample.group.is_none(), sample.group.clone().unwrap_or_else(|| sample.path().into()));
                let joined = names.entry(units[*left]).or_insert_with(|| name.clone());
                // A patient's name before a path.
                *joined = name.min(joined.clone());
            }
        }
        for (sample, unit) in self.samples.iter_mut().zip(&units) {
            if let Some((_, name)) = names.get(unit) {
                sample.group = Some(name.clone());
            }
        }
        before - self.groups()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::dataset;
    use super::*;

    #[test]
    fn patients_are_read_from_paths() {
        for (path, patient) in [
            ("train/P/person1000_bacteria_2931.jpeg", "person1000"),
            ("person1000_virus_1.jpeg", "person1000"),
            ("N/IM-0115-0001.jpeg", "IM-0115"),
            ("N/NORMAL2-IM-0115-0001-0002.jpeg", "NORMAL2-IM-0115"),
            ("sick/00000013_005.png", "00000013"),
            ("train/sick/patient00001/study1/view1_frontal.jpg", "patient00001"),
            ("sick/p10/p10000032/s50414267/02aa804e.jpg", "p10000032"),
            ("a/sub-01/anat/sub-01_T1w.png", "sub-01"),
        ] {
            assert_eq!(automatic(path).as_deref(), Some(patient), "{path}");
        }
    }

    #[test]
    fn other_names_tell_nothing() {
        for path in [
            "holiday.jpeg",
            "personal_1.jpeg",
            "person_1.jpeg",
            "person12.jpeg",
            "person12_x/1.jpeg",
            "IM-.jpeg",
            "SIM-1-2.jpeg",
            "2024_001.png",
            "subway/1.png",
            "",
        ] {
            assert_eq!(automatic(path), None, "{path}");
        }
    }

    fn groups(dataset: &Dataset) -> Vec<Option<&str>> {
        dataset.samples.iter().map(|sample| sample.group.as_deref()).collect()
    }

    #[test]
    fn a_pattern_s_first_part_that_matches_is_the_group() {
        let mut data = dataset(&[2, 2], |_, _| Some("x".into()));
        data.group_by(&Grouping::parse(r"class0/(\d+)|/\d{3}").expect("a pattern")).expect("matches");
        assert_eq!(groups(&data), [Some("0000"), Some("0001"), Some("/000"), Some("/000")]);
        data.group_by(&Grouping::parse("none").expect("a word")).expect("always");
        assert_eq!(groups(&data), [None; 4]);
        assert!(matches!(Grouping::parse("nih"), Ok(Grouping::Pattern(_))));
    }

    #[test]
    fn what_cannot_be_a_pattern_or_matches_nothing_is_told() {
        let problem = Grouping::parse("(").expect_err("no pattern").to_string();
        assert!(problem.contains("expected auto, none, kermany, nih"), "{problem}");
        let grouping = Grouping::parse("nih").expect("a preset");
        let problem = dataset(&[1, 1], |_, _| None).group_by(&grouping).expect_err("no match").to_string();
        assert!(problem.contains("expected a pattern that fits paths such as class0/0000"), "{problem}");
    }

    #[test]
    fn what_shows_the_same_joins_its_groups() {
        // Samples 0 to 3 of one class, 4 and 5 of the other; 0 and 1 are one patient, 4 is another.
        let group = |class: usize, index: usize| match (class, index) {
            (0, 0 | 1) => Some("p2".to_string()),
            (1, 0) => Some("p1".to_string()),
            _ => None,
        };
        let mut data = dataset(&[4, 2], group);
        assert_eq!(data.groups(), 5);
        assert_eq!(data.join(&[(1, 4), (2, 3)]), 2);
        let expected = [Some("p1"), Some("p1"), Some("class0/0002"), Some("class0/0002"), Some("p1"), None];
        assert_eq!(groups(&data), expected);
        assert_eq!(data.join(&[(0, 4)]), 0);
    }
}
