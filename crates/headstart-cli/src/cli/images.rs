//! Arguments of the commands that look at images, split them or compute their features.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use headstart::dataset::Grouping;
use headstart::score::Shard;

use super::{CacheArguments, DeviceArguments, duration, setting};

/// What `headstart features --help` ends with.
const FEATURES_END: &str = "\
Shards: exit codes and parts are as those of `score`, and `score-merge` makes one table of all
parts. Without --shard a task of a Slurm array or of a Kubernetes Indexed Job knows its own shard,
unless --out names an array (.npy or .npz).";

#[derive(Debug, Args)]
pub struct InspectArguments {
    /// Labelled images, as `train` takes them.
    pub data: PathBuf,
    /// Print everything that was found, as JSON.
    #[arg(long)]
    pub json: bool,
    /// Write a page with pictures of what was found.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the paths of unusable, blank and duplicate images, one a line, for `train --exclude`.
    #[arg(long, value_name = "FILE")]
    pub quarantine: Option<PathBuf>,
    /// Do not look for wrong labels, which takes most of the time.
    #[arg(long)]
    pub no_label_check: bool,
    #[command(flatten)]
    pub cache: CacheArguments,
}

#[derive(Debug, Args)]
pub struct SplitArguments {
    /// Labelled images, as `train` takes them.
    pub data: PathBuf,
    /// The table to write: path,label,split,group and, with --folds, fold.
    #[arg(long, default_value = "split.csv", value_name = "FILE")]
    pub out: PathBuf,
    /// Also divide the images that are not for the test into this many folds.
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=1000), value_name = "N")]
    pub folds: Option<u32>,
    /// Share of the images for validation, and the same share for the test.
    #[arg(long, default_value_t = 0.15, value_name = "SHARE")]
    pub fraction: f64,
    /// Seed of the split.
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub seed: u64,
    /// How to tell which images are of one patient: auto, none, a collection (kermany, nih, chexpert, mimic, bids), or a
    /// regular expression for paths whose first group is the patient.
    #[arg(long, default_value = "auto", value_parser = setting::<Grouping>, value_name = "HOW")]
    pub groups: Grouping,
    /// Split the images again, even if the data come with splits.
    #[arg(long)]
    pub resplit: bool,
    /// A file that lists images to leave out, one path a line.
    #[arg(long, value_name = "FILE")]
    pub exclude: Option<PathBuf>,
    /// Go by names alone and do not read the images. Duplicates may then be in two splits.
    #[arg(long)]
    pub names_only: bool,
    #[command(flatten)]
    pub cache: CacheArguments,
}

#[derive(Debug, Args)]
#[command(after_help = FEATURES_END)]
pub struct FeaturesArguments {
    /// Images in class folders, or as `train` takes them; of a shard as `score` takes them.
    pub data: PathBuf,
    /// The pretrained net.
    #[arg(long, alias = "model", default_value = "efficientnet-lite0", value_name = "NAME")]
    pub backbone: String,
    /// The file of the net's pretrained weights (.pth, .safetensors or Keras's .h5).
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Where to cut the net. The features are what comes before what this would train: none, head, last-block, all, or the
    /// name of a block.
    #[arg(long, default_value = "none", value_name = "WHAT")]
    pub unfreeze: String,
    /// Width and height of the net's input, in pixels.
    #[arg(long, alias = "imgsz", value_name = "PIXELS")]
    pub image_size: Option<usize>,
    /// Average over height and width: the array is [N, C].
    #[arg(long)]
    pub pool: bool,
    /// Write part I, from 0 on, of N equal parts of the rows, as Parquet. The features of an image are a list: of C means with
    /// --pool, of C·H·W values without. The cache is not used.
    #[arg(long, value_parser = setting::<Shard>, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// The array to write: f32 [N, C, H, W], in the order of the images' paths. X.npy gets a table X.rows.csv of path, label
    /// and split; X.npz holds them itself. With --shard the folder for the part. A part that is there is not computed again.
    #[arg(long, value_name = "FILE|DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub device: DeviceArguments,
    #[command(flatten)]
    pub cache: CacheArguments,
}

#[derive(Debug, Args)]
pub struct ChooseArguments {
    /// Labelled images, as `train` takes them. Only training images are used.
    pub data: PathBuf,
    /// How long everything may take, such as 90s, 10m or 2h. Images that do not fit are left out, of each class in
    /// proportion, and then the slowest nets.
    #[arg(long, default_value = "5m", value_parser = duration, value_name = "TIME")]
    pub budget: Duration,
    /// Also try the nets of these files of weights (.pth, .safetensors or Keras's .h5), which are told by their tensors.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub weights: Vec<PathBuf>,
    /// Try only these of the nets at hand.
    #[arg(long = "backbone", value_delimiter = ',', value_name = "NAME,…")]
    pub backbones: Vec<String>,
    /// Use so many training images, of each class in proportion, however long it takes. The same images give the same
    /// numbers; which of them fit into a budget depends on the machine.
    #[arg(long, value_name = "N")]
    pub train_images: Option<usize>,
    /// Width and height of the nets' input, in pixels. Default: each net's own.
    #[arg(long, alias = "imgsz", value_name = "PIXELS")]
    pub image_size: Option<usize>,
    /// How to tell which images are of one patient: auto, none, a collection (kermany, nih, chexpert, mimic, bids), or a
    /// regular expression for paths whose first group is the patient.
    #[arg(long, default_value = "auto", value_parser = setting::<Grouping>, value_name = "HOW")]
    pub groups: Grouping,
    /// A file that lists images to leave out, one path a line.
    #[arg(long, value_name = "FILE")]
    pub exclude: Option<PathBuf>,
    /// Seed of the splits that the data lack, and of the folds.
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub seed: u64,
    /// Write a figure: how well over how fast, as SVG.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub cache: CacheArguments,
}
