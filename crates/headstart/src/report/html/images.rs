//! Which images there were, how they were split, and which files were set aside.

use super::element::{Cell, details, note, table, text};
use crate::numbers::thousands;
use crate::report::{DatasetFacts, Report};

/// With more files than this the list is folded up.
const MOST_IN_THE_OPEN: usize = 10;

/// Counts by class and split, the proof against leaks, and the set-aside files.
pub(super) fn images(report: &Report) -> String {
    [counts(report), text(&separation(&report.dataset)), set_aside(&report.dataset)].concat()
}

fn counts(report: &Report) -> String {
    let dataset = &report.dataset;
    let grouped = dataset.grouped_by.is_some();
    let groups = dataset.grouped_by.as_ref().map(|group| format!("Groups ({group})"));
    let mut head = vec!["Split"];
    head.extend(report.classes.iter().map(String::as_str));
    head.push("All");
    head.extend(groups.as_deref());
    let row = |name: &str, images: &[usize], groups: usize| {
        let mut cells: Vec<Cell> = vec![name.into()];
        cells.extend(images.iter().map(|count| Cell::from(thousands(*count))));
        cells.push(thousands(images.iter().sum()).into());
        cells.extend(grouped.then(|| Cell::from(thousands(groups))));
        cells
    };
    let mut rows: Vec<Vec<Cell>> =
        dataset.splits.iter().map(|split| row(&split.name, &split.images, split.groups)).collect();
    let all: Vec<usize> = (0..report.classes.len())
        .map(|class| dataset.splits.iter().filter_map(|split| split.images.get(class)).sum())
        .collect();
    // A group in two splits counts once.
    let groups: usize = dataset.splits.iter().map(|split| split.groups).sum();
    rows.push(row("all", &all, groups.saturating_sub(dataset.shared_groups)));
    table("numbers", &head, &rows)
}

fn separation(dataset: &DatasetFacts) -> String {
    let shared = thousands(dataset.shared_groups);
    match (&dataset.grouped_by, dataset.shared_groups) {
        (None, _) => "Each image stands alone: nothing says which of them belong together, so images of one \
                      subject may lie in more than one split and make the results look better than they are."
            .into(),
        (Some(group), 0) => {
            format!(
                "Groups in common between the splits: 0. What belongs together ({group}) is in one split only."
            )
        }
        (Some(group), _) => format!(
            "Groups in common between the splits: {shared}. What belongs together ({group}) should be in one split: \
             the results may look better than they are."
        ),
    }
}

fn set_aside(dataset: &DatasetFacts) -> String {
    let count = dataset.set_aside.len();
    if count == 0 {
        return note("No file had to be set aside.");
    }
    let rows: Vec<Vec<Cell>> = dataset
        .set_aside
        .iter()
        .map(|file| vec![file.path.as_str().into(), file.reason.as_str().into()])
        .collect();
    let table = table("words", &["Set aside", "Why"], &rows);
    if count > MOST_IN_THE_OPEN {
        details(&format!("{} files were set aside", thousands(count)), &table)
    } else {
        table
    }
}
