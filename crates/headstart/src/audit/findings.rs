//! An audit in a few lines: each check with what it found.

use super::{Audit, Duplicates, Labels, OddityKind};
use crate::numbers::thousands;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was checked, in a few words.
    pub check: &'static str,
    /// What was found, in words.
    pub found: String,
    /// How much it matters.
    pub weight: Weight,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Nothing was found.
    Fine,
    /// Worth a look.
    Look,
    /// What is measured on this data would mislead.
    Serious,
}

impl Audit {
    /// Number of images, those that cannot be used too.
    pub fn images(&self) -> usize {
        self.counts.iter().flat_map(|split| &split.images).sum()
    }

    /// Every check, in the order of the page.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![
            self.faults(),
            self.misnamed(),
            duplicates("exact duplicates", &self.exact_duplicates),
            duplicates("near duplicates", &self.near_duplicates),
            self.shared(),
            self.shortcuts(),
            self.style(),
            self.oddities(),
        ];
        findings.extend(self.labels.as_ref().map(|labels| self.labels(labels)));
        findings
    }

    fn faults(&self) -> Finding {
        finding("files that cannot be used", Weight::Look, &[(self.faults.len(), "")])
    }

    fn misnamed(&self) -> Finding {
        finding("names of another format", Weight::Look, &[(self.misnamed.len(), "")])
    }

    fn shared(&self) -> Finding {
        finding("groups in several splits", Weight::Serious, &[(self.shared_groups.len(), "")])
    }

    fn shortcuts(&self) -> Finding {
        let flagged = self.shortcuts.iter().filter(|shortcut| shortcut.flagged);
        let named = flagged.map(|shortcut| format!("{} (AUC {:.2})", shortcut.cue, shortcut.auc.value));
        let named: Vec<String> = named.collect();
        let weight = if named.is_empty() { Weight::Fine } else { Weight::Serious };
        let found = if named.is_empty() { "none".into() } else { named.join(", ") };
        Finding { check: "shortcuts to the class", found, weight }
    }

    fn style(&self) -> Finding {
        const CHECK: &str = "style tells the class";
        if let Some(why) = &self.style.skipped {
            return Finding { check: CHECK, found: format!("not measured: {why}"), weight: Weight::Fine };
        }
        let weight = match self.style.strength() {
            0.0 => Weight::Fine,
            1.0 => Weight::Serious,
            _ => Weight::Look,
        };
        Finding { check: CHECK, found: format!("AUC {:.3}", self.style.all.value), weight }
    }

    fn oddities(&self) -> Finding {
        let count = |kind: OddityKind| self.oddities.iter().filter(|odd| odd.kind == kind).count();
        let kinds: Vec<(usize, &str)> =
            OddityKind::ALL.iter().map(|kind| (count(*kind), kind.name())).collect();
        finding("unlike the others", Weight::Look, &kinds)
    }

    fn labels(&self, labels: &Labels) -> Finding {
        const CHECK: &str = "labels probably wrong";
        if let Some(why) = &labels.skipped {
            return Finding { check: CHECK, found: format!("not checked: {why}"), weight: Weight::Fine };
        }
        let suspects = labels.suspects.len();
        let mut finding = finding(CHECK, Weight::Look, &[(suspects, "")]);
        let share = 100.0 * suspects as f64 / self.images() as f64;
        finding.found += &format!(" ({share:.1} %), says a probe with an AUC of {:.3}", labels.auc.value);
        finding
    }
}

fn duplicates(check: &'static str, found: &[Duplicates]) -> Finding {
    let (classes, splits) = (
        found.iter().filter(|one| one.across_classes).count(),
        found.iter().filter(|one| one.across_splits).count(),
    );
    let images: usize = found.iter().map(|one| one.images.len()).sum();
    let found = match found.len() {
        0 => "none".into(),
        groups => format!(
            "{} {} of {} images; {} across classes, {} across splits",
            thousands(groups),
            if groups == 1 { "group" } else { "groups" },
            thousands(images),
            thousands(classes),
            thousands(splits)
        ),
    };
    let weight = match (images, classes + splits) {
        (0, _) => Weight::Fine,
        (_, 0) => Weight::Look,
        _ => Weight::Serious,
    };
    Finding { check, found, weight }
}

/// The counts that are not 0, with their names.
fn finding(check: &'static str, weight: Weight, counts: &[(usize, &str)]) -> Finding {
    let named = counts.iter().filter(|(count, _)| *count > 0);
    let named: Vec<String> = named.map(|(count, name)| format!("{} {name}", thousands(*count))).collect();
    match named.is_empty() {
        true => Finding { check, found: "none".into(), weight: Weight::Fine },
        false => Finding { check, found: named.join(", ").trim_end().into(), weight },
    }
}
