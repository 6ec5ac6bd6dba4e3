//! Transfer learning for CNN image classifiers: a folder of labelled images in, a sealed classifier with an honest
//! evaluation out.
//!
//! # Train, look, save, classify
//!
//! ```no_run
//! use headstart::{Classifier, Trainer};
//!
//! # fn main() -> headstart::Result<()> {
//! let run = Trainer::new("chest-xray").recipe("default")?.seed(7).train()?;
//! println!("test AUC {}", run.metrics["test"].auc.value);
//! run.save("runs/first")?;
//! let model = Classifier::load("runs/first/model.safetensors")?;
//! let answer = model.classify_file("scan.jpeg")?;
//! println!("{} {:?}", answer.class, answer.verdict);
//! # Ok(())
//! # }
//! ```
//!
//! [`Trainer`] has a default for every setting but the data. It reads the images, splits those that come without splits so
//! that no patient is on both sides, computes the features of the frozen trunk once, trains the tail, chooses threshold and
//! calibration on validation images, and reads the test images once. [`Run`] holds what came of it; nothing is written before
//! [`Run::save`] but a cache of features.
//!
//! # Believe an answer, or not
//!
//! An [`Answer`](classifier::Answer) has a [`Verdict`](classifier::Verdict). Only a decided one has a class that may be shown:
//!
//! ```no_run
//! # fn main() -> headstart::Result<()> {
//! # let model = headstart::Classifier::load("model.safetensors")?;
//! match model.classify_file("scan.jpeg")?.decided_class() {
//!     Some(class) => println!("{class}"),
//!     None => println!("the model gives no answer"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Change how it trains
//!
//! A [`Recipe`] is a training configuration. Take one by name, from a TOML file, or change one in code:
//!
//! ```
//! use headstart::{Recipe, Trainer};
//!
//! let recipe = Recipe { epochs: 3, learning_rate: 1e-4, ..Recipe::default() };
//! let trainer = Trainer::new("chest-xray").with_recipe(recipe).seed(1);
//! ```
//!
//! # Follow the work, and stop it
//!
//! An [`Observer`] hears of each step, epoch and file that cannot be used, and can stop the work. With
//! [`Trainer::train_into`] a training that was stopped goes on in the same folder, to the same bits.
//!
//! # Without training
//!
//! Without the default feature `train` the library ends at [`Classifier`]: it reads images and sealed models, classifies and
//! explains. So it builds for `wasm32-unknown-unknown`, too, where it computes on one thread.
//!
//! # The way of one image
//!
//! ```text
//! bytes → image::decode → image::Preprocess → trunk::Plan → features (cached)
//!       → network::Tail (training) → logits → scores → evaluate, report
//!                                    classifier: the same way, sealed in one file
//! ```

// What only training calls lies beside what classifies.
#![cfg_attr(not(feature = "train"), allow(dead_code, unused_imports))]

#[cfg(feature = "train")]
pub mod audit;
pub mod backbone;
mod cache_folder;
pub mod choice;
pub mod classifier;
mod compiled;
mod csv_field;
pub mod dataset;
pub mod date;
pub mod device;
pub mod error;
pub mod evaluate;
pub mod explain;
#[cfg(feature = "train")]
pub mod export;
#[cfg(feature = "train")]
pub mod external;
pub mod features;
pub mod gate;
pub mod history;
pub mod image;
#[cfg(feature = "train")]
pub mod learning_curve;
#[cfg(feature = "train")]
pub mod network;
mod numbers;
pub mod observer;
pub mod phantom;
mod probe;
mod random;
pub mod ranks;
#[cfg(feature = "train")]
pub mod rate_curve;
pub mod regular;
#[cfg(feature = "train")]
pub mod report;
#[cfg(feature = "train")]
pub mod run;
#[cfg(feature = "train")]
pub mod score;
mod sha256;
#[cfg(feature = "train")]
mod shards;
#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "train")]
mod trainer;
pub mod trunk;
pub mod visible;
mod whole_file;

pub use classifier::Classifier;
pub use error::{Error, Result};
pub use observer::{Observer, Silent};
#[cfg(feature = "train")]
pub use train::{Recipe, Run};
#[cfg(feature = "train")]
pub use trainer::Trainer;
pub use whole_file::write_whole;
