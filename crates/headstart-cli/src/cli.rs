//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Transfer learning for image classifiers: a folder of labelled images in, a sealed model and a web app out.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
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
    Train(Box<TrainArguments>),
    /// Look for a learning rate: the loss while the rate climbs. Takes what `train` takes.
    LearningRate(Box<TrainArguments>),
    /// How many labelled images transfer saves: the same net from pretrained and from random weights.
    LearningCurve(LearningCurveArguments),
    /// Are runs on the same test images different, or is it noise?
    Compare(CompareArguments),
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
    /// The training configurations in this binary.
    Recipes {
        #[command(subcommand)]
        command: RecipesCommand,
    },
    /// The main job on what is in the binary: synthetic chest phantoms, no data needed.
    Demo {
        /// Folder of the phantoms and of the run; runs/demo if not given, or runs/demo-2 and so on where that is there.
        #[arg(long)]
        out: Option<PathBuf>,
        /// Folder of the feature cache.
        #[arg(long, env = "HEADSTART_CACHE")]
        cache: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum BackbonesCommand {
    /// Names, sizes, sources and licences.
    List,
}

#[derive(Debug, Subcommand)]
pub enum RecipesCommand {
    /// Names and what each is for.
    List,
    /// Every setting of one, as TOML.
    Show {
        /// A recipe's name or a .toml file.
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct TrainArguments {
    /// A folder of class folders, or of train/, val/ and test/ with class folders each; a .csv or a MedMNIST .npz.
    #[arg(required_unless_present = "resume")]
    pub data: Option<PathBuf>,
    /// A recipe's name (default, linear-probe, thorough, keras-vgg16) or a .toml file; default if not given.
    #[arg(long)]
    pub recipe: Option<String>,
    /// Pretrained net, instead of the recipe's.
    #[arg(long)]
    pub backbone: Option<String>,
    /// The backbone's weights (.safetensors).
    #[arg(long)]
    pub weights: Option<PathBuf>,
    /// What to train besides the new head: none, head, last-block, all, a block's name, or auto, which
    /// looks where it pays.
    #[arg(long)]
    pub unfreeze: Option<String>,
    /// How long the training that --unfreeze auto chooses may take: 90s, 10m, 2h; 10m if not given.
    #[arg(long, value_parser = duration)]
    pub budget: Option<Duration>,
    /// Epochs at most, besides those of the head alone with which a recipe may begin.
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Images in a step.
    #[arg(long)]
    pub batch_size: Option<usize>,
    /// Side of the net's input in pixels.
    #[arg(long)]
    pub image_size: Option<usize>,
    /// Step size, but of the head alone if the recipe gives it one.
    #[arg(long)]
    pub learning_rate: Option<f64>,
    /// Decides the split, the new head's weights, the order of images and dropout; 7 if not given.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Train with so many seeds, from --seed on; the model is the mean of all.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub seeds: Option<u16>,
    /// Cut training and validation images into so many folds and train once for each; the model is the
    /// mean of all.
    #[arg(long, value_parser = clap::value_parser!(u16).range(2..))]
    pub folds: Option<u16>,
    /// Train on a stratified subset of so many images.
    #[arg(long)]
    pub train_images: Option<usize>,
    /// Leave out the images that this file names, one path a line (as `inspect --quarantine` writes it).
    #[arg(long)]
    pub exclude: Option<PathBuf>,
    /// What images belong together by: auto, none, a collection (kermany, nih, chexpert, mimic, bids) or a
    /// regular expression over paths, of which the first group counts; auto if not given.
    #[arg(long)]
    pub groups: Option<String>,
    /// Cut the data anew, whatever splits it comes with.
    #[arg(long)]
    pub resplit: bool,
    /// The positive class of two, unless the last by name.
    #[arg(long)]
    pub positive: Option<String>,
    /// How the threshold is chosen on validation: youden, youden-smooth, sensitivity=SHARE, cost=MISS:ALARM or fixed=SCORE.
    #[arg(long)]
    pub threshold: Option<String>,
    /// How scores are calibrated on validation: auto, none, temperature or platt.
    #[arg(long)]
    pub calibration: Option<String>,
    /// The run folder: new or empty; runs/DATA-DATE if not given.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Go on where the training in RUN was stopped, or that in --out. The run knows its settings; those that are given
    /// besides must be the same.
    #[arg(long, num_args = 0..=1, value_name = "RUN")]
    pub resume: Option<Option<PathBuf>>,
    /// Seconds between two checkpoints, 60 if not given; there is one after each epoch, too.
    #[arg(long, value_name = "SECONDS")]
    pub checkpoint_every: Option<f64>,
    /// Print only warnings, errors and the result.
    #[arg(long, conflicts_with = "json")]
    pub quiet: bool,
    /// Print each event as a JSON object on a line of its own.
    #[arg(long)]
    pub json: bool,
    /// Folder of the feature cache.
    #[arg(long, env = "HEADSTART_CACHE")]
    pub cache: Option<PathBuf>,
    /// MiB that views of the training images, and features of a tail that thaws, may take in the cache; as much
    /// as the recipe asks if not given.
    #[arg(long, value_name = "MIB")]
    pub cache_limit: Option<usize>,
}

#[derive(Debug, Args)]
pub struct LearningCurveArguments {
    /// Labelled images, as `train` takes them.
    pub data: PathBuf,
    /// Labelled images of each class.
    #[arg(long, value_delimiter = ',', default_values_t = [25, 50, 100, 200])]
    pub images: Vec<usize>,
    /// Trainings of each kind and size, on different images.
    #[arg(long, default_value_t = 3)]
    pub seeds: u64,
    /// About how long all may take; how long each training is follows from it.
    #[arg(long, default_value_t = 13.0)]
    pub minutes: f64,
    /// A recipe's name or a .toml file.
    #[arg(long, default_value = "default")]
    pub recipe: String,
    /// The backbone's weights (.safetensors).
    #[arg(long)]
    pub weights: Option<PathBuf>,
    /// Side of the net's input in pixels, small enough to train all of a net.
    #[arg(long, default_value_t = 128)]
    pub image_size: usize,
    /// The positive class of two, unless the last by name.
    #[arg(long)]
    pub positive: Option<String>,
    /// Where the figure, the table and the numbers go.
    #[arg(long, default_value = "runs/learning-curve")]
    pub out: PathBuf,
    /// Folder of the feature cache.
    #[arg(long, env = "HEADSTART_CACHE")]
    pub cache: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CompareArguments {
    /// Two or more run folders (or their predictions.csv), of the same test images.
    #[arg(required = true, num_args = 2..)]
    pub runs: Vec<PathBuf>,
    /// The split that is compared.
    #[arg(long, default_value = "test")]
    pub split: String,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct EvaluateArguments {
    /// A sealed model, or the run folder that it lies in.
    pub model: PathBuf,
    /// Labelled images; of a folder with a test split, that split.
    pub data: PathBuf,
    /// Classes of the data by another name than the model's: THEIRS=OURS, and so on.
    #[arg(long, value_delimiter = ',')]
    pub classes: Vec<String>,
    /// State predictive values where this share of the images is positive, too.
    #[arg(long)]
    pub prevalence: Option<f64>,
    /// Score the images again after each of the named changes: another crop, resolution, compression, sharpness, grey levels.
    #[arg(long)]
    pub stress: bool,
    /// Fit calibration and threshold anew to these images, and write the model that results to this file.
    #[arg(long)]
    pub recalibrate: Option<PathBuf>,
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
    /// A sealed model, or the run folder that it lies in.
    pub model: PathBuf,
    /// Images, folders of them, patterns such as 'scans/*.jpeg', or - for a list on standard input, one path a line.
    #[arg(required = true)]
    pub files: Vec<String>,
    /// A table for people; JSON and CSV for programs.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// Write into this folder where in each image the answer was seen, as a PNG.
    #[arg(long)]
    pub explain: Option<PathBuf>,
    /// How: grad-cam or layer-cam.
    #[arg(long, default_value = "grad-cam", requires = "explain")]
    pub explain_method: String,
    /// Also show what becomes of the explanation when the net is destroyed block by block.
    #[arg(long, requires = "explain")]
    pub explain_check: bool,
}

#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Sealed models, or run folders. The first answers who names none; SIGHUP reads them again.
    #[arg(required = true)]
    pub models: Vec<PathBuf>,
    /// Where to listen. Beyond this machine it takes --token, --basic-auth or --public.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub address: SocketAddr,
    /// Only who knows this word: a bearer token, or the password that a browser asks for.
    #[arg(long, env = "HEADSTART_TOKEN", hide_env_values = true, conflicts_with = "basic_auth")]
    pub token: Option<String>,
    /// Only who knows this NAME:PASSWORD.
    #[arg(long, env = "HEADSTART_BASIC_AUTH", hide_env_values = true, value_name = "NAME:PASSWORD")]
    pub basic_auth: Option<String>,
    /// Anybody who can reach the address.
    #[arg(long)]
    pub public: bool,
    /// A host name to answer to, besides localhost; may be given several times. On a loopback address there is no
    /// other if not given, elsewhere any.
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// The most uploads a minute from one client address; 600 if not given, on a loopback address any number.
    #[arg(long, value_name = "UPLOADS", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limit: Option<u32>,
    /// MiB of memory that decoding one image may take, besides 256 that each decoding process has. It is ended at more.
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub image_memory: u64,
    /// Seconds of a processor after which decoding one image is ended.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=3600))]
    pub image_seconds: u64,
}

#[derive(Debug, Args)]
pub struct SummaryArguments {
    /// A sealed model's file, the run folder that it lies in, or a backbone's name.
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
    /// Take the mean over height and width: an array [N, C].
    #[arg(long)]
    pub pool: bool,
    /// The array, f32 [N, C, H, W], in the order of the images' paths. Beside X.npy lies X.rows.csv, which names path,
    /// label and split of each row; X.npz holds them itself.
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
