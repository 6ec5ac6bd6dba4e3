//! A classifier on labelled images, from wherever they come (external validation): measured, under stress, recalibrated.

mod class_names;
mod measurement;
mod recalibrate;
mod stress;

pub(crate) use class_names::map_classes;
pub use measurement::{Measurement, Shift, classifier_on};
pub use recalibrate::{Recalibrated, recalibrate};
pub use stress::{Stressed, stress, worst};
