//! The section on how pictures were made.

use crate::audit::{FamilyTells, StyleAudit};
use crate::evaluate::Estimate;
use crate::numbers::decimals;
use crate::report::html::element::{Cell, note, table, text};
use crate::report::numbers::decimal_interval;

/// How well each family tells the class, and what hides it from a net.
pub(super) fn section(style: &StyleAudit) -> String {
    if style.skipped.is_some() {
        return text(&style.meaning());
    }
    let auc = |auc: Estimate| Cell { text: decimals(auc.value), below: decimal_interval(&auc) };
    let row = |tells: &FamilyTells| {
        let name = Cell { text: tells.name.into(), below: tells.family.measures().into() };
        vec![name, auc(tells.auc), Cell::from(tells.cure)]
    };
    let mut rows: Vec<Vec<Cell>> = style.families.iter().map(row).collect();
    rows.push(vec!["all together".into(), auc(style.all), "".into()]);
    let how = "Global statistics say how a picture was made, and nothing of where in it anything is. A logistic \
               regression on them and their squares was fitted to four fifths of the training images and measured on \
               the rest, with each patient's images in one part. AUC is the area under the ROC curve with DeLong's \
               95 % interval, of more than two classes the mean of each against the rest: 0.5 is chance. Statistics \
               also differ where what is shown differs, such as bright lungs, so not all of it need be a shortcut.";
    text(&style.meaning())
        + &table("words", &["Family", "AUC", "What in [augment] hides it from a net"], &rows)
        + &note(how)
}
