//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Transfer learning for image classifiers: a folder of labelled images in, a sealed model and a web app out.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// Threads to compute on; all cores if not given.
    #[arg(long, global = true)]
    pub threads: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a classifier on a folder of labelled images, and evaluate it.
    Train(TrainArguments),
    /// Measure a model on labelled images.
    Evaluate(EvaluateArguments),
    /// Classify images.
    Predict(PredictArguments),
    /// Serve a model as a web app.
    Serve(ServeArguments),
    /// Print the layers of a model or a backbone.
    Summary(SummaryArguments),
    /// Look for what is wrong with labelled images before training: duplicates, leaks, shortcuts, odd
    /// pictures, labels that are probably wrong.
    Inspect(InspectArguments),
    /// Cut data into splits, and folds, that no patient and no duplicate crosses.
    Split(SplitArguments),
    /// Write the frozen trunk's features of each image as a NumPy array.
    Features(FeaturesArguments),
    /// Measure how fast this machine runs and trains a net.
    Bench(BenchArguments),
    /// The pretrained nets.
    Backbones {
        #[command(subcommand)]
        command: BackbonesCommand,
    },
    /// The main job on what is in the binary: synthetic chest phantoms, no data needed.
    Demo {
        /// The run folder.
        #[arg(long, default_value = "runs/demo")]
        out: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum BackbonesCommand {
    /// Names, sizes, sources and licences.
    List,
}

#[derive(Debug, Args)]
pub struct TrainArguments {
    /// A folder of class folders, or of train/, val/ and test/ with class folders each.
    pub data: PathBuf,
    /// A recipe's name (default, keras-vgg16) or a .toml file.
    #[arg(long, default_value = "default")]
    pub recipe: String,
    /// Pretrained net, instead of the recipe's.
    #[arg(long)]
    pub backbone: Option<String>,
    /// The backbone's weights (.safetensors).
    #[arg(long)]
    pub weights: Option<PathBuf>,
    /// What to train besides the new head: none, head, last-block, all or a block's name.
    #[arg(long)]
    pub unfreeze: Option<String>,
    #[arg(long)]
    pub epochs: Option<usize>,
    #[arg(long)]
    pub batch_size: Option<usize>,
    /// Side of the net's input in pixels.
    #[arg(long)]
    pub image_size: Option<usize>,
    #[arg(long)]
    pub learning_rate: Option<f64>,
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Train on a stratified subset of so many images.
    #[arg(long)]
    pub train_images: Option<usize>,
    /// Leave out the images that this file names, one path a line (as `inspect --quarantine` writes it).
    #[arg(long)]
    pub exclude: Option<PathBuf>,
    /// What images belong together by: auto, none, a collection (kermany, nih, chexpert, mimic, bids) or a
    /// regular expression over paths, of which the first group counts.
    #[arg(long, default_value = "auto")]
    pub groups: String,
    /// Cut the data anew, whatever splits it comes with.
    #[arg(long)]
    pub resplit: bool,
    /// The positive class of two, unless the last by name.
    #[arg(long)]
    pub positive: Option<String>,
    /// The run folder: new or empty.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Go on where a training into --out was stopped.
    #[arg(long, requires = "out")]
    pub resume: bool,
    /// Folder of the feature cache.
    #[arg(long, env = "HEADSTART_CACHE")]
    pub cache: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct EvaluateArguments {
    /// A sealed model.
    pub model: PathBuf,
    /// Labelled images; of a folder with a test split, that split.
    pub data: PathBuf,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Format {
    Table,
    Json,
    Csv,
}

#[derive(Debug, Args)]
pub struct PredictArguments {
    /// A sealed model.
    pub model: PathBuf,
    /// Image files; patterns such as 'scans/*.jpeg' work too.
    #[arg(required = true)]
    pub files: Vec<String>,
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct ServeArguments {
    /// A sealed model.
    pub model: PathBuf,
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub address: SocketAddr,
}

#[derive(Debug, Args)]
pub struct SummaryArguments {
    /// A sealed model's file, or a backbone's name.
    pub model: String,
    /// Draw the layers as SVG.
    #[arg(long)]
    pub diagram: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct FeaturesArguments {
    /// Images in class folders.
    pub data: PathBuf,
    #[arg(long, default_value = "efficientnet-lite0")]
    pub backbone: String,
    #[arg(long)]
    pub weights: Option<PathBuf>,
    /// Where the net is cut: none, head, last-block, all or a block's name.
    #[arg(long, default_value = "none")]
    pub unfreeze: String,
    /// Side of the net's input in pixels.
    #[arg(long)]
    pub image_size: Option<usize>,
    /// The array, f32 [N, C, H, W], images in sorted order.
    #[arg(long)]
    pub out: PathBuf,
    /// Folder of the feature cache.
    #[arg(long, env = "HEADSTART_CACHE")]
    pub cache: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct SplitArguments {
    /// Labelled images, as `train` takes them.
    pub data: PathBuf,
    /// The table: path,label,split,group and, with --folds, fold.
    #[arg(long, default_value = "split.csv")]
    pub out: PathBuf,
    /// Also cut what is not for the test into so many folds.
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub folds: Option<u32>,
    /// Share of the images for validation, and for the test.
    #[arg(long, default_value_t = 0.15)]
    pub fraction: f64,
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// What images belong together by: auto, none, a collection (kermany, nih, chexpert, mimic, bids) or a
    /// regular expression over paths, of which the first group counts.
    #[arg(long, default_value = "auto")]
    pub groups: String,
    /// Cut the data anew, whatever splits it comes with.
    #[arg(long)]
    pub resplit: bool,
    /// Leave out the images that this file names, one path a line.
    #[arg(long)]
    pub exclude: Option<PathBuf>,
    /// Do not look at the pictures: duplicates are then not kept together.
    #[arg(long)]
    pub names_only: bool,
    /// Folder of the feature cache.
    #[arg(long, env = "HEADSTART_CACHE")]
    pub cache: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct InspectArguments {
    /// Labelled images, as `train` takes them.
    pub data: PathBuf,
    /// Everything that was found, as JSON.
    #[arg(long)]
    pub json: bool,
    /// Write a page with pictures of what was found.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Write the paths to leave out, one a line: unusable, blank and duplicate images.
    #[arg(long)]
    pub quarantine: Option<PathBuf>,
    /// Do not look for labels that are probably wrong, which takes most of the time.
    #[arg(long)]
    pub no_label_check: bool,
    /// Folder of the feature cache.
    #[arg(long, env = "HEADSTART_CACHE")]
    pub cache: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct BenchArguments {
    /// A backbone's name.
    pub backbone: String,
    #[arg(long)]
    pub weights: Option<PathBuf>,
    /// What to train besides the head: none, head, last-block, all or a block's name.
    #[arg(long)]
    pub unfreeze: Option<String>,
    #[arg(long)]
    pub image_size: Option<usize>,
    #[arg(long, default_value_t = 8)]
    pub batch_size: usize,
    #[arg(long)]
    pub json: bool,
}
