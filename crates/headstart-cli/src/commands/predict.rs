//! `headstart predict`: each answer is printed as soon as it is there.

mod answers;
mod inputs;

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::{Result, bail};
use headstart::Error;
use headstart::classifier::{Answer, Classifier};
use headstart::image::{Image, Limits, decode, first_frames};
use headstart::regular;
use rayon::prelude::*;

use super::explain::Explanations;
use crate::cli::PredictArguments;
use crate::output::{Terminal, interrupted, stop_on_interrupt};
use crate::print;
use answers::Answers;

/// Images that are decoded and classified together: at least, and as many as there are threads.
const BATCH: usize = 8;
/// Images that tell whether a set has drifted, at most.
const DRIFT: usize = 10_000;

pub fn run(arguments: &PredictArguments) -> Result<()> {
    stop_on_interrupt();
    let model = super::model_file(&arguments.model)?;
    let classifier = Classifier::load_on(&model, &super::device(&arguments.device)?)?;
    let explanations = Explanations::new(arguments, &model)?;
    let files = inputs::files(&arguments.files)?;
    let answers = Answers::new(&classifier, arguments.format, &files);
    let assessed = Vec::new();
    let mut work = Work { classifier: &classifier, explanations, answers, assessed, failed: 0, several: 0 };
    let done = work.all(&files)?;
    let drift = classifier.drift(&work.assessed.iter().collect::<Vec<_>>());
    let sentences = drift.map_or_else(Vec::new, |drift| drift.sentences());
    let Work { answers, failed, several, .. } = work;
    answers.finish();
    sentences.iter().for_each(|line| print::warning(line));
    first_frames(several).iter().for_each(|line| print::warning(line));
    if done < files.len() && !print::is_unread() {
        print::error_line(&format!("stopped after {done} of {} files", files.len()));
        return Err(Error::Interrupted.into());
    }
    if failed == files.len() {
        bail!("none of the {failed} files could be classified");
    }
    Ok(())
}

/// What the files go through.
struct Work<'a> {
    classifier: &'a Classifier,
    explanations: Option<Explanations>,
    answers: Answers<'a>,
    /// What the first images came to: whether they lie like the validation images as a whole.
    assessed: Vec<Answer>,
    /// Files that cannot be used.
    failed: usize,
    /// Files with several frames.
    several: usize,
}

impl Work<'_> {
    /// Classifies until Ctrl-C, or until nobody reads the answers any more; returns how many files are done.
    fn all(&mut self, files: &[String]) -> Result<usize> {
        // Answers in the terminal show by themselves how far it is.
        let mut terminal = Terminal::new(std::io::stdout().is_terminal());
        let mut done = 0;
        let mut batches = files.chunks(BATCH.max(rayon::current_num_threads())).peekable();
        let mut images = batches.peek().map_or_else(Vec::new, |first| read_all(first));
        while let Some(batch) = batches.next() {
            if interrupted() || print::is_unread() {
                break;
            }
            let next = batches.peek().copied().unwrap_or_default();
            images = self.batch((batch, images), next, &terminal)?;
            done += batch.len();
            terminal.show("images", done, files.len());
        }
        terminal.clear();
        Ok(done)
    }

    /// Classifies a batch while the next is decoded, which it returns: a graphics processor works by itself.
    fn batch(
        &mut self,
        (files, read): (&[String], Vec<Decoded>),
        next: &[String],
        terminal: &Terminal,
    ) -> Result<Vec<Decoded>> {
        let (mut named, mut images) = (Vec::new(), Vec::new());
        for (file, image) in files.iter().zip(read) {
            match image {
                Ok(image) => {
                    named.push(file);
                    images.push(image);
                }
                Err(why) => {
                    self.failed += 1;
                    terminal.above(|| print::set_aside(file, &why));
                }
            }
        }
        let (answers, next) = rayon::join(|| assess(self.classifier, &images), || read_all(next));
        for ((file, image), answer) in named.iter().zip(&images).zip(answers) {
            self.several += usize::from(answer.frames > 1);
            if let Some(explanations) = &mut self.explanations {
                explanations.write(self.classifier, file, image, answer.label)?;
            }
            terminal.above(|| self.answers.add(file, &answer));
            if self.assessed.len() < DRIFT {
                self.assessed.push(answer);
            }
        }
        Ok(next)
    }
}

fn assess(classifier: &Classifier, images: &[Image]) -> Vec<Answer> {
    match images {
        [] => vec![],
        images => classifier.classify_all(images),
    }
}

/// An image, or why it cannot be used.
type Decoded = Result<Image, String>;

fn read_all(files: &[String]) -> Vec<Decoded> {
    files.par_iter().map(|file| read(file)).collect()
}

fn read(file: &str) -> Decoded {
    let limits = Limits::default();
    let bytes =
        regular::read(Path::new(file), limits.max_bytes).map_err(|why| format!("cannot be read: {why}"))?;
    decode(&bytes, &limits).map_err(|why| why.to_string())
}
