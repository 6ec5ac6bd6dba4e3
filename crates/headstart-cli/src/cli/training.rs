//! Arguments of the commands that train.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use headstart::dataset::Grouping;
use headstart::device::DeviceClass;
use headstart::evaluate::{CalibrationMethod, ThresholdPolicy};

use super::{CacheArguments, duration, setting};

#[derive(Debug, Args)]
pub struct TrainArguments {
    /// Labelled images: a folder of class folders; or of train/, val/ and test/ with class folders in each; or a .csv with the
    /// columns path,label; or a MedMNIST .npz.
    #[arg(required_unless_present = "resume")]
    pub data: Option<PathBuf>,
    /// The recipe: default, linear-probe, thorough, keras-vgg16, or a .toml file. Default: default.
    #[arg(long, value_name = "NAME|FILE")]
    pub recipe: Option<String>,
    /// The pretrained net, instead of the recipe's. `headstart backbones list` names them.
    #[arg(long, alias = "model", value_name = "NAME")]
    pub backbone: Option<String>,
    /// The file of the net's pretrained weights (.pth, .safetensors or Keras's .h5). Not needed for efficientnet-lite0, nor for nets that were pulled.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// What to train besides the new head: none, head, last-block, all, the name of a block (it and what follows), or auto,
    /// which tries several depths.
    #[arg(long, value_name = "WHAT")]
    pub unfreeze: Option<String>,
    /// With --unfreeze auto: how long the training may take, such as 90s, 10m or 2h. Default: 10m.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub budget: Option<Duration>,
    /// The largest number of epochs, not counting those in which a recipe trains only the head.
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Number of images in a training step.
    #[arg(long, short = 'b', value_name = "N")]
    pub batch_size: Option<usize>,
    /// Width and height of the net's input, in pixels.
    #[arg(long, alias = "imgsz", value_name = "PIXELS")]
    pub image_size: Option<usize>,
    /// Learning rate. Epochs that train only the head keep the recipe's own rate for them.
    #[arg(long, alias = "lr", value_name = "RATE")]
    pub learning_rate: Option<f64>,
    /// Seed of the split, the head's first weights, the order of images and dropout. The same seed gives the same bits.
    /// Default: 7.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Train with this many seeds, from --seed upwards. The model averages them.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..), value_name = "N")]
    pub seeds: Option<u16>,
    /// Split the training and validation images into this many folds and train once for each. The model averages them.
    #[arg(long, value_parser = clap::value_parser!(u16).range(2..), value_name = "N")]
    pub folds: Option<u16>,
    /// Train on this many images, of each class in proportion.
    #[arg(long, value_name = "N")]
    pub train_images: Option<usize>,
    /// A file that lists images to leave out, one path a line, as `inspect --quarantine` writes it.
    #[arg(long, value_name = "FILE")]
    pub exclude: Option<PathBuf>,
    /// How to tell which images are of one patient, so that no split divides them: auto, none, a collection (kermany, nih,
    /// chexpert, mimic, bids), or a regular expression for paths whose first group is the patient. Default: auto.
    #[arg(long, value_parser = setting::<Grouping>, value_name = "HOW")]
    pub groups: Option<Grouping>,
    /// Split the images again, even if the data come with splits.
    #[arg(long)]
    pub resplit: bool,
    /// The positive class of two, which sensitivity is about. Default: the last by name.
    #[arg(long, value_name = "CLASS")]
    pub positive: Option<String>,
    /// How to choose the threshold on the validation images: youden, youden-smooth, sensitivity=SHARE, cost=MISS:ALARM, or
    /// fixed=SCORE.
    #[arg(long, value_parser = setting::<ThresholdPolicy>, value_name = "HOW")]
    pub threshold: Option<ThresholdPolicy>,
    /// How to calibrate the scores on the validation images: auto, none, temperature or platt.
    #[arg(long, value_parser = setting::<CalibrationMethod>, value_name = "HOW")]
    pub calibration: Option<CalibrationMethod>,
    /// The run folder, which is new or empty. Default: runs/DATA-DATE.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Continue the stopped training in RUN, or in the folder of --out, with the settings that it keeps. Settings that you
    /// repeat must be the same.
    #[arg(long, num_args = 0..=1, value_name = "RUN")]
    pub resume: Option<Option<PathBuf>>,
    /// What to compute on: cpu, or cuda, vulkan or metal, which are experimental and need a build with the feature of that
    /// name. Another device than the CPU gives other bits. Default: cpu.
    #[arg(long, value_parser = setting::<DeviceClass>, value_name = "DEVICE")]
    pub device: Option<DeviceClass>,
    /// Seconds between two checkpoints. There is also one after each epoch. Default: 60.
    #[arg(long, value_name = "SECONDS")]
    pub checkpoint_every: Option<f64>,
    /// Print only warnings, errors and the result.
    #[arg(long, conflicts_with = "json")]
    pub quiet: bool,
    /// Print each event as a line of JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub cache: CacheArguments,
    /// The most MiB that features of restyled training images, and of layers that train later, may take in the cache. Default:
    /// what the recipe needs.
    #[arg(long, value_name = "MIB")]
    pub cache_limit: Option<usize>,
}

#[derive(Debug, Args)]
pub struct LearningCurveArguments {
    /// Labelled images, as `train` takes them.
    pub data: PathBuf,
    /// Numbers of labelled images of each class to train with.
    #[arg(long, value_delimiter = ',', default_values_t = [25, 50, 100, 200], value_name = "N,N,…")]
    pub images: Vec<usize>,
    /// Number of trainings for each kind of weights and each number of images, on different images.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub seeds: u64,
    /// About how many minutes everything may take. The length of each training follows from it.
    #[arg(long, default_value_t = 13.0, value_name = "MINUTES")]
    pub minutes: f64,
    /// The recipe's name, or a .toml file.
    #[arg(long, default_value = "default", value_name = "NAME|FILE")]
    pub recipe: String,
    /// The file of the net's pretrained weights (.pth, .safetensors or Keras's .h5).
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Width and height of the net's input in pixels. It is small, because the whole net is trained.
    #[arg(long, alias = "imgsz", default_value_t = 128, value_name = "PIXELS")]
    pub image_size: usize,
    /// The positive class of two. Default: the last by name.
    #[arg(long, value_name = "CLASS")]
    pub positive: Option<String>,
    /// Folder for the figure, the table and the numbers.
    #[arg(long, default_value = "runs/learning-curve", value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub cache: CacheArguments,
}
