//! Figures of studies that train more than once: the learning curve and the loss over the learning rate.

use std::path::Path;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::learning_curve::LearningCurve;
use crate::rate_curve::RateCurve;
use crate::report::{learning_curve_svg, rate_finder_svg};
use crate::whole_file::write_whole;

/// Writes `learning-curve.json`, `.md` and `.svg` into a folder, which is made if it is not there.
///
/// # Errors
/// A folder that cannot be written to.
pub fn write_learning_curve(curve: &LearningCurve, folder: &Path) -> Result<()> {
    numbers(curve, folder, "learning-curve.json")?;
    let text = format!("{}\n{}\n", curve.table(), curve.in_words());
    write_whole(&folder.join("learning-curve.md"), text.as_bytes())?;
    write_whole(&folder.join("learning-curve.svg"), learning_curve_svg(curve).as_bytes())
}

/// Writes `learning-rate.json` and `.svg` into a folder, which is made if it is not there.
///
/// # Errors
/// A folder that cannot be written to.
pub fn write_rate_curve(curve: &RateCurve, folder: &Path) -> Result<()> {
    numbers(curve, folder, "learning-rate.json")?;
    write_whole(&folder.join("learning-rate.svg"), rate_finder_svg(curve).as_bytes())
}

fn numbers(curve: &impl Serialize, folder: &Path, name: &str) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|why| Error::io("create", folder, why))?;
    let json = serde_json::to_string_pretty(curve).expect("plain structs become JSON") + "\n";
    write_whole(&folder.join(name), json.as_bytes())
}
