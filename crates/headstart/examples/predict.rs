//! Classifies images with a sealed model, and respects it when it gives no answer.
//!
//! `cargo run --release -p headstart --example predict -- MODEL IMAGE...`

use headstart::classifier::Verdict;
use headstart::{Classifier, Result};

/// Runs the example.
pub fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(model) = arguments.next().filter(|model| model.ends_with(".safetensors")) else {
        eprintln!("expected a sealed model and images");
        return Ok(());
    };
    let model = Classifier::load(model)?;
    for file in arguments {
        // A file that cannot be used is no reason to leave the others.
        let answer = match model.classify_file(&file) {
            Ok(answer) => answer,
            Err(why) => {
                eprintln!("{why}");
                continue;
            }
        };
        match answer.verdict {
            Verdict::Decided => println!("{file}: {} ({:.3})", answer.class, answer.scores[answer.label]),
            Verdict::Undecided => println!("{file}: the model cannot decide"),
            Verdict::Refused => println!("{file}: unlike the images that the model was trained on"),
        }
    }
    println!("{}", model.caution());
    Ok(())
}
