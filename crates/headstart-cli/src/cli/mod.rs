//! The command line.

mod images;
mod model;
mod score;
mod training;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use headstart::Error;
use headstart::device::DeviceClass;

pub use images::{ChooseArguments, FeaturesArguments, InspectArguments, SplitArguments};
pub use model::{
    BenchArguments, CompareArguments, EvaluateArguments, ExportArguments, ExportBackbone, ExportInput,
    Format, PredictArguments, Quantize, ServeArguments, SummaryArguments,
};
pub use score::{ScoreArguments, ScoreMergeArguments};
pub use training::{LearningCurveArguments, TrainArguments};

/// What a bare `headstart --help` ends with.
const BEGIN: &str = "\
Begin here:
  headstart demo                          train and predict on synthetic images
  headstart train DATA --out runs/first   train on your own images
  headstart serve runs/first              classify images on a web page";

/// What `headstart backbones pull --help` ends with.
#[cfg(feature = "pull")]
const PULL_ENDS: &str = "\
Files go into the folder weights in the cache. What a connection did not finish is continued by the next pull.
HEADSTART_CACHE is the folder of the cache, HEADSTART_MIRROR an address that has the files under their names, and
HTTPS_PROXY and NO_PROXY are respected.";

/// Train an image classifier on a folder of labelled images, evaluate it honestly, and serve it as a web app.
#[derive(Debug, Parser)]
#[command(name = "headstart", version, max_term_width = 100, arg_required_else_help = true, after_help = BEGIN)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// Number of threads to compute on. Default: one for each core.
    #[arg(long, short = 'j', global = true, value_name = "N")]
    pub threads: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a classifier on labelled images and evaluate it.
    Train(Box<TrainArguments>),
    /// Measure a model on labelled images.
    #[command(alias = "val")]
    Evaluate(EvaluateArguments),
    /// Classify images.
    Predict(PredictArguments),
    /// Score one shard of any number of images, as a Parquet part.
    Score(ScoreArguments),
    /// Merge the parts of all shards, of scores or of features, into one table and a summary.
    ScoreMerge(ScoreMergeArguments),
    /// Serve a model as a web app.
    Serve(ServeArguments),
    /// Write a model in the format of another program.
    Export(ExportArguments),
    /// Print the layers of a model or a backbone.
    Summary(SummaryArguments),
    /// Check labelled images before training: duplicates, leaks between splits, shortcuts, wrong labels.
    Inspect(InspectArguments),
    /// Split images into training, validation and test, so that no patient and no duplicate is in two of them.
    Split(SplitArguments),
    /// Write a backbone's features of each image as a NumPy array, or of one shard of any number of images as a Parquet part.
    Features(FeaturesArguments),
    /// Choose a pretrained net for your images: probes of the features of each, plain and restyled, beside its speed.
    Choose(ChooseArguments),
    /// Compare runs: do they differ, or is the difference chance?
    Compare(CompareArguments),
    /// Find a learning rate: train while the rate rises, and draw the loss.
    LearningRate(Box<TrainArguments>),
    /// Measure how many labelled images pretrained weights save, against random weights.
    LearningCurve(LearningCurveArguments),
    /// Measure how fast this machine runs and trains a net.
    Bench(BenchArguments),
    /// List the pretrained nets, and fetch their weights.
    Backbones {
        #[command(subcommand)]
        command: Option<BackbonesCommand>,
    },
    /// List and show the training recipes in this program.
    Recipes {
        #[command(subcommand)]
        command: RecipesCommand,
    },
    /// Draw synthetic chest X-rays, train on them and classify two: the whole job without any data.
    Demo(DemoArguments),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, in roff.
    Man,
}

#[derive(Debug, Subcommand)]
pub enum BackbonesCommand {
    /// List names, sizes, published accuracies, licences, and what is on this machine.
    List(BackbonesListArguments),
    /// Fetch the weights of a net, which `--backbone` then finds without `--weights`.
    #[cfg(feature = "pull")]
    Pull(BackbonesPullArguments),
}

#[derive(Debug, Default, Args)]
pub struct BackbonesListArguments {
    /// Only nets whose name or family has this in it.
    #[arg(value_name = "TEXT")]
    pub filter: Option<String>,
    /// Print JSON, with the names of blocks and files.
    #[arg(long)]
    pub json: bool,
}

#[cfg(feature = "pull")]
#[derive(Debug, Args)]
#[command(after_help = PULL_ENDS)]
pub struct BackbonesPullArguments {
    /// The net's name, as `backbones list` has it, and the source of its weights behind an @ where it has several.
    #[arg(value_name = "NAME[@SOURCE]")]
    pub backbone: String,
}

#[derive(Debug, Subcommand)]
pub enum RecipesCommand {
    /// List the recipes and what each is for.
    List,
    /// Print every setting of a recipe as TOML.
    Show {
        /// A recipe's name, or a .toml file.
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Folder for the images and the run. Default: runs/demo, or runs/demo-2 and so on if that exists.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub cache: CacheArguments,
}

#[derive(Debug, Default, Args)]
pub struct DeviceArguments {
    /// What to compute on: cpu, or cuda, vulkan or metal, which are experimental and need a build with the feature of that
    /// name. Images are decoded on the CPU.
    #[arg(long, default_value = "cpu", value_parser = setting::<DeviceClass>, value_name = "DEVICE")]
    pub device: DeviceClass,
}

#[derive(Debug, Args)]
pub struct CacheArguments {
    /// Folder that keeps computed features, so that they are not computed again. Default: headstart in the user's cache
    /// folder.
    #[arg(long = "cache", env = "HEADSTART_CACHE", hide_env_values = true, value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Reads a setting of the library. The option's name stands before what is wrong with it.
fn setting<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| match error {
        Error::Setting { expected, found, .. } => format!("expected {expected}, found {found}"),
        other => other.to_string(),
    })
}

/// `90s`, `10m` or `2h`.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("expected a time such as 90s, 10m or 2h, found {text}");
    let unit = text.chars().last().ok_or_else(expected)?;
    let seconds = match unit {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        _ => return Err(expected()),
    };
    let number: f64 = text.trim_end_matches(unit).parse().map_err(|_| expected())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| expected())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    #[test]
    fn every_command_and_option_has_a_help_text() {
        let mut command = Arguments::command();
        command.build();
        let mut waiting = vec![&command];
        while let Some(command) = waiting.pop() {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {} has no help",
                    command.get_name(),
                    argument.get_id()
                );
            }
            waiting.extend(command.get_subcommands());
        }
    }

    /// Every command's help, as Markdown.
    fn reference() -> String {
        let mut command = Arguments::command().term_width(100);
        command.build();
        let mut text = "# Command line\n\nWhat `headstart COMMAND --help` prints.\n".to_owned();
        let mut waiting = vec![command];
        while let Some(mut command) = waiting.pop() {
            if command.get_name() != "help" {
                let name = command.get_bin_name().unwrap_or("headstart").to_owned();
                let help = command.render_help().to_string();
                let help: Vec<&str> = help.lines().map(str::trim_end).collect();
                text += &format!("\n## {name}\n\n```text\n{}\n```\n", help.join("\n").trim_end());
                waiting.extend(command.get_subcommands().cloned().collect::<Vec<_>>().into_iter().rev());
            }
        }
        text
    }

    #[test]
    fn the_reference_in_docs_is_what_the_program_says() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
        if std::env::var_os("HEADSTART_WRITE_DOCS").is_some() {
            std::fs::write(&file, reference()).expect("writes");
        }
        let written = std::fs::read_to_string(&file).expect("docs/cli.md");
        assert_eq!(written, reference(), "HEADSTART_WRITE_DOCS=1 writes it");
    }

    #[test]
    fn names_of_other_programs_are_understood() {
        use clap::Parser;
        let parsed = |words: &[&str]| Arguments::try_parse_from([&["headstart"], words].concat()).is_ok();
        assert!(parsed(&[
            "train", "d", "--lr", "1e-4", "-b", "8", "--imgsz", "160", "--model", "vgg16", "-j", "2"
        ]));
        assert!(parsed(&["val", "model", "data"]));
        assert!(!parsed(&["train", "d", "--calibration", "plat"]));
    }
}
