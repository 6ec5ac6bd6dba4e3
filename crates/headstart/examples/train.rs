//! Trains on a folder of labelled images, writes the run folder and classifies an image with the sealed model.
//!
//! `cargo run --release -p headstart --example train -- FOLDER` (synthetic chest phantoms without a folder)

use std::path::PathBuf;

use headstart::{Classifier, Observer, Result, Trainer, phantom};

/// Prints what the training says, and each epoch.
struct Printer;

impl Observer for Printer {
    fn say(&mut self, line: &str) {
        println!("{line}");
    }

    fn epoch(&mut self, record: &headstart::history::EpochRecord) {
        println!("epoch {}: validation loss {:.4}", record.epoch, record.validation_loss);
    }
}

/// Runs the example.
pub fn main() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("headstart-example-{}", std::process::id()));
    let data = std::env::args().nth(1).map(PathBuf::from).filter(|data| data.is_dir());
    let data = match data {
        Some(data) => data,
        None => phantom::write(folder.join("phantoms"), 16, 7).map(|()| folder.join("phantoms"))?,
    };

    let run = Trainer::new(&data).recipe("linear-probe")?.seed(7).train_with(&mut Printer)?;
    println!("test AUC {:.3}", run.metrics["test"].auc.value);
    run.save(folder.join("run"))?;

    let model = Classifier::load(folder.join("run/model.safetensors"))?;
    let scan = std::fs::read_dir(data.join(&model.classes()[0])).into_iter().flatten().flatten().next();
    let answer = model.classify_file(scan.expect("a class has an image").path())?;
    println!("{} {:?} {:?}", answer.class, answer.verdict, answer.scores);
    println!("the run lies in {}", folder.display());
    Ok(())
}
