//! The sections of an audit's page.

use super::gallery::Gallery;
use crate::audit::{Audit, Counts, Duplicates, OddityKind, Place, Shortcut, Suspect};
use crate::numbers::{decimals, thousands};
use crate::report::escape;
use crate::report::html::element::{Cell, details, note, table, text};
use crate::report::numbers::decimal_interval;

/// Groups of duplicates, pictures of one group or kind, suspects and table rows that are shown.
const MOST_GROUPS: usize = 30;
const MOST_IN_A_GROUP: usize = 6;
const MOST_OF_A_KIND: usize = 18;
const MOST_SUSPECTS: usize = 60;
const MOST_ROWS: usize = 200;

/// Counts by split and class.
pub(super) fn classes(audit: &Audit) -> String {
    let mut head = vec!["Split"];
    head.extend(audit.classes.iter().map(String::as_str));
    head.extend(["All", "Largest over smallest"]);
    let row = |counts: &Counts| {
        let all: usize = counts.images.iter().sum();
        let mut cells: Vec<Cell> = vec![counts.split.map_or("none yet", |split| split.name()).into()];
        cells.extend(counts.images.iter().map(|count| Cell {
            text: thousands(*count),
            below: format!("{:.1} %", 100.0 * *count as f64 / all as f64),
        }));
        cells.extend([thousands(all).into(), format!("{:.1}", counts.imbalance).into()]);
        cells
    };
    let rows: Vec<Vec<Cell>> = audit.counts.iter().map(row).collect();
    let imbalance =
        format!("In all, the largest class has {:.1} times as many images as the smallest.", audit.imbalance);
    table("numbers", &head, &rows) + &text(&imbalance)
}

/// What cannot be used, and what is named wrong.
pub(super) fn files(audit: &Audit) -> String {
    let faults = audit.faults.iter().map(|fault| (&fault.image, fault.why.clone()));
    let misnamed = audit.misnamed.iter().map(|file| (&file.image, format!("the file is a {}", file.found)));
    let faults = listed("files cannot be used; training sets them aside.", "Why", faults.collect());
    let misnamed = listed(
        "files are named as another format. They are read by what they are; other programs may fail.",
        "Found",
        misnamed.collect(),
    );
    faults + &misnamed
}

fn listed(what: &str, why: &str, files: Vec<(&Place, String)>) -> String {
    if files.is_empty() {
        return String::new();
    }
    let row =
        |(place, why): &(&Place, String)| vec![Cell::from(place.path.as_str()), Cell::from(why.as_str())];
    let rows: Vec<Vec<Cell>> = files.iter().take(MOST_ROWS).map(row).collect();
    text(&format!("{} {what}", thousands(files.len())))
        + &table("words", &["Path", why], &rows)
        + &more(files.len(), MOST_ROWS, "files")
}

/// The same bytes more than once.
pub(super) fn exact(audit: &Audit, gallery: &Gallery<'_>) -> String {
    duplicates(&audit.exact_duplicates, gallery, "Files with the same bytes.", |_| String::new())
}

/// Nearly the same picture more than once.
pub(super) fn near(audit: &Audit, gallery: &Gallery<'_>) -> String {
    let meaning = "Pictures that are the same but for their size, compression, brightness, a crop of up to about 6 %, a \
                   turn of up to about 5°, an even border, or mirrored, or inverted. Their fine detail was laid on each \
                   other and fits.";
    let words = |group: &Duplicates| {
        let mirrored = if group.mirrored { ", some mirrored" } else { "" };
        format!("; up to {} of 256 bits differ{mirrored}", group.distance)
    };
    duplicates(&audit.near_duplicates, gallery, meaning, words)
}

fn duplicates(
    groups: &[Duplicates],
    gallery: &Gallery<'_>,
    meaning: &str,
    words: impl Fn(&Duplicates) -> String,
) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let group = |group: &Duplicates| {
        let kind = match (group.across_classes, group.across_splits) {
            (true, true) => "in more than one class and split",
            (true, false) => "in more than one class",
            (false, true) => "in more than one split",
            (false, false) => "in one class and split",
        };
        let images: Vec<(&Place, String)> =
            group.images.iter().take(MOST_IN_A_GROUP).map(|place| (place, belongs(place))).collect();
        let title = format!("{} images {kind}{}", group.images.len(), words(group));
        format!("<div class=\"group\">\n<h3>{}</h3>\n{}</div>\n", escape(&title), gallery.show(&images))
    };
    let most = gallery.at_most(MOST_GROUPS);
    let shown: String = groups.iter().take(most).map(group).collect();
    note(meaning) + &format!("<div class=\"groups\">\n{shown}</div>\n") + &more(groups.len(), most, "groups")
}

/// Patients and the like that should be in one split.
pub(super) fn groups(audit: &Audit) -> String {
    if audit.shared_groups.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<Cell>> = audit
        .shared_groups
        .iter()
        .take(MOST_ROWS)
        .map(|group| {
            let splits: Vec<String> =
                group.images.iter().map(|(split, images)| format!("{images} in {split}")).collect();
            vec![group.group.as_str().into(), splits.join(", ").into()]
        })
        .collect();
    let count = audit.shared_groups.len();
    let meaning = format!(
        "{} groups, by the names of their files or the column group, have images in more than one split. If they are \
         the same people or places, what is measured is too good.",
        thousands(count)
    );
    let table = table("words", &["Group", "Images"], &rows) + &more(count, MOST_ROWS, "groups");
    text(&meaning) + &details("The groups", &table)
}

/// How well each cue tells the class.
pub(super) fn shortcuts(audit: &Audit) -> String {
    if audit.shortcuts.is_empty() {
        return String::new();
    }
    let row = |shortcut: &Shortcut| {
        vec![
            Cell::from(shortcut.cue.as_str()),
            Cell { text: decimals(shortcut.auc.value), below: decimal_interval(&shortcut.auc) },
            Cell::from(shortcut.tells.of(&shortcut.class)),
            Cell::from(if shortcut.flagged { "suspicious" } else { "" }),
        ]
    };
    let rows: Vec<Vec<Cell>> = audit.shortcuts.iter().map(row).collect();
    let meaning = "The area under the ROC curve of each cue alone, learned on four fifths of the images and measured \
                   on the rest, with its 95 % interval: 0.5 is chance, 1 tells the class without a look at the picture. What lies above 0.6 with the whole interval is suspicious: a \
                   net may learn it in place of what matters. Resizing to a square hides size and shape from the net, \
                   padding shows it the shape. The size of a compressed file also tells how much detail a picture \
                   has, which may be what the classes differ in.";
    let flagged = audit.shortcuts.iter().filter(|shortcut| shortcut.flagged);
    let what_to_do: String =
        flagged.map(|shortcut| text(&format!("{}: {}", shortcut.cue, shortcut.meaning))).collect();
    text(meaning) + &table("words", &["Cue", "AUC", "Class", ""], &rows) + &what_to_do
}

/// Pictures that are odd, by kind.
pub(super) fn oddities(audit: &Audit, gallery: &Gallery<'_>) -> String {
    if audit.oddities.is_empty() {
        return String::new();
    }
    let most = gallery.at_most(MOST_OF_A_KIND);
    let kind = |kind: &OddityKind| {
        let odd: Vec<_> = audit.oddities.iter().filter(|odd| odd.kind == *kind).collect();
        if odd.is_empty() {
            return String::new();
        }
        let words = |odd: &&crate::audit::Oddity| format!("{}: {}", belongs(&odd.image), odd.why);
        let images: Vec<(&Place, String)> =
            odd.iter().take(most).map(|odd| (&odd.image, words(odd))).collect();
        let title = format!("{}: {}", kind.name(), thousands(odd.len()));
        format!("<h3>{}</h3>\n{}", escape(&title), gallery.show(&images)) + &more(odd.len(), most, "images")
    };
    OddityKind::ALL.iter().map(kind).collect()
}

/// Suspected label errors.
pub(super) fn labels(audit: &Audit, gallery: &Gallery<'_>) -> String {
    let Some(labels) = &audit.labels else { return String::new() };
    if let Some(why) = &labels.skipped {
        return text(&format!("Not checked: {why}."));
    }
    let meaning = format!(
        "A linear probe on a pretrained net's features scored each image without having seen it, its duplicates or \
         others of its group; its AUC is {} ({}). Where its score speaks more clearly for another class than is usual \
         among that class's own images, the label is suspected (confident learning, Northcutt et al. 2021). A \
         suspicion is no proof: somebody has to look.",
        decimals(labels.auc.value),
        decimal_interval(&labels.auc)
    );
    let words = |suspect: &Suspect| {
        let (label, likely) = (&suspect.image.class, &suspect.likely);
        let percent = |score: f32| format!("{:.0} %", 100.0 * score);
        let (of_label, of_likely) = (percent(suspect.score_of_label), percent(suspect.score_of_likely));
        format!("labelled {label} ({of_label}), likely {likely} ({of_likely})")
    };
    let most = gallery.at_most(MOST_SUSPECTS);
    let images: Vec<(&Place, String)> =
        labels.suspects.iter().take(most).map(|suspect| (&suspect.image, words(suspect))).collect();
    let count = format!("{} images are suspected.", thousands(labels.suspects.len()));
    text(&meaning) + &text(&count) + &gallery.show(&images) + &more(labels.suspects.len(), most, "images")
}

/// Class and split of an image.
fn belongs(place: &Place) -> String {
    place.split.map_or_else(|| place.class.clone(), |split| format!("{}, {split}", place.class))
}

fn more(count: usize, shown: usize, what: &str) -> String {
    match count.saturating_sub(shown) {
        0 => String::new(),
        more => note(&format!("and {} more {what}.", thousands(more))),
    }
}
