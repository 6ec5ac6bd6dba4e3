//! Arguments of the commands that use a model, a run or a net.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use headstart::explain::Method;

use super::{DeviceArguments, setting};

#[derive(Debug, Args)]
pub struct EvaluateArguments {
    /// A sealed model, or the run folder that holds it.
    pub model: PathBuf,
    /// Labelled images, as `train` takes them. Of data with a test split, the test images.
    pub data: PathBuf,
    /// Names of classes where the data's differ from the model's.
    #[arg(long, value_delimiter = ',', value_name = "THEIRS=OURS,…")]
    pub classes: Vec<String>,
    /// Also print predictive values for images of which this share is positive.
    #[arg(long, value_name = "SHARE")]
    pub prevalence: Option<f64>,
    /// Also measure the images after 17 named changes, such as another crop, resolution, compression or contrast.
    #[arg(long)]
    pub stress: bool,
    /// Fit calibration and threshold to these images, and write the changed model to this file.
    #[arg(long, value_name = "FILE")]
    pub recalibrate: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub device: DeviceArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Format {
    /// A table for people.
    Table,
    /// JSON for programs.
    Json,
    /// CSV for programs and spreadsheets.
    Csv,
}

#[derive(Debug, Args)]
pub struct PredictArguments {
    /// A sealed model, or the run folder that holds it.
    pub model: PathBuf,
    /// Images, folders with images, patterns such as 'scans/*.jpeg', or - to read a list of paths from standard input.
    #[arg(required = true)]
    pub files: Vec<String>,
    /// How to print the answers.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// Write heat maps into this folder: a PNG for each image that shows where the net looked.
    #[arg(long, value_name = "DIR")]
    pub explain: Option<PathBuf>,
    /// How to compute heat maps: grad-cam or layer-cam.
    #[arg(long, default_value = "grad-cam", value_parser = setting::<Method>, requires = "explain", value_name = "METHOD")]
    pub explain_method: Method,
    /// Also draw how each heat map changes when the net's weights are shuffled block by block. It must change.
    #[arg(long, requires = "explain")]
    pub explain_check: bool,
    #[command(flatten)]
    pub device: DeviceArguments,
}

#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Sealed models, or run folders that hold them. Requests that name no model go to the first. SIGHUP loads them again.
    #[arg(required = true)]
    pub models: Vec<PathBuf>,
    /// Address and port to listen on. An address that other machines reach needs --token, --basic-auth or --public.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub address: SocketAddr,
    /// Require this secret: as a bearer token, or as the password that a browser asks for.
    #[arg(long, env = "HEADSTART_TOKEN", hide_env_values = true, conflicts_with = "basic_auth")]
    pub token: Option<String>,
    /// Require this user name and password.
    #[arg(long, env = "HEADSTART_BASIC_AUTH", hide_env_values = true, value_name = "NAME:PASSWORD")]
    pub basic_auth: Option<String>,
    /// Allow everybody who can reach the address.
    #[arg(long)]
    pub public: bool,
    /// A host name to answer to, besides localhost. Can be given several times. Default: no other on a loopback address, any
    /// elsewhere.
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// The most uploads that one client may send in a minute. Default: 600, or no limit on a loopback address.
    #[arg(long, value_name = "UPLOADS", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limit: Option<u32>,
    /// The most memory in MiB that decoding one image may take, besides 256 MiB for the process that decodes. More ends it.
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub image_memory: u64,
    /// The most processor seconds that decoding one image may take. More ends it.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=3600))]
    pub image_seconds: u64,
    #[command(flatten)]
    pub device: DeviceArguments,
    /// How long to answer on after SIGTERM, while /readyz says 503: as long as a load balancer takes to notice.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=3600))]
    pub drain: u64,
}

#[derive(Debug, Args)]
pub struct SummaryArguments {
    /// A sealed model, the run folder that holds it, or a backbone's name.
    pub model: String,
    /// Also draw the layers, into this SVG file.
    #[arg(long, value_name = "FILE")]
    pub diagram: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ExportFormat {
    /// One file that ONNX Runtime and others run: preprocessing but for the resize, net, calibration and gate.
    Onnx,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ExportInput {
    /// Bytes, RGB, of images that were resized before.
    Uint8,
    /// Numbers from 0 to 255, RGB, of images that were resized before: for images with 16 bits a channel.
    Float32,
    /// Bytes, RGB, of images of any size: the graph resizes them.
    AnySize,
    /// Numbers, channels first, of images that were resized and normalised before, as the file's metadata say.
    Tensor,
}

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// A sealed model, the run folder that holds it, or a backbone's name for the pretrained net alone.
    pub model: PathBuf,
    /// The format to write.
    #[arg(long, value_enum, required_unless_present = "web", conflicts_with = "web")]
    pub format: Option<ExportFormat>,
    /// Write a page that classifies in the visitor's browser, without a server: to a folder for any web server or, when the
    /// name ends in .html, to one file that opens from a disk.
    #[arg(long, value_name = "FOLDER|FILE.html", conflicts_with_all = ["out", "input"])]
    pub web: Option<PathBuf>,
    /// The language in which that page opens.
    #[arg(long, default_value = "en", requires = "web")]
    pub language: String,
    /// The file to write. Default: the model's name with the format's ending, beside the model; a backbone's in this folder.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What the exported model reads.
    #[arg(long, value_enum, default_value = "uint8")]
    pub input: ExportInput,
    /// Compute in fewer bits. It is refused where paired tests on the validation images find that the model loses by it.
    #[arg(long, value_enum, conflicts_with = "web", value_name = "BITS")]
    pub quantize: Option<Quantize>,
    /// With --quantize: the data that the model was trained on. Its validation images are found by their SHA-256. Default:
    /// what the run's settings say.
    #[arg(long, requires = "quantize")]
    pub data: Option<PathBuf>,
    /// With --quantize: also write the scores of each validation image in 32 and in 8 bits, as CSV.
    #[arg(long, requires = "quantize", value_name = "FILE")]
    pub scores: Option<PathBuf>,
    #[command(flatten)]
    pub backbone: ExportBackbone,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Quantize {
    /// Weights as int8 and the maps between layers as uint8.
    Int8,
}

/// Of a pretrained net alone.
#[derive(Debug, Args)]
#[group(multiple = true, conflicts_with = "web")]
pub struct ExportBackbone {
    /// Of a backbone: the file of its pretrained weights (.pth, .safetensors or Keras's .h5).
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Of a backbone: where to cut it. What this would train is left out: none, head, last-block, or the name of a block.
    #[arg(long, value_name = "WHAT")]
    pub unfreeze: Option<String>,
    /// Of a backbone: width and height of its input, in pixels.
    #[arg(long, alias = "imgsz", value_name = "PIXELS")]
    pub image_size: Option<usize>,
}

#[derive(Debug, Args)]
pub struct CompareArguments {
    /// Two or more run folders, or their predictions.csv, with the same test images.
    #[arg(required = true, num_args = 2..)]
    pub runs: Vec<PathBuf>,
    /// The split to compare.
    #[arg(long, default_value = "test")]
    pub split: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct BenchArguments {
    /// The backbone's name.
    pub backbone: String,
    /// The file of the net's pretrained weights (.pth, .safetensors or Keras's .h5).
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// What to train besides the head: none, head, last-block, all, or the name of a block.
    #[arg(long, value_name = "WHAT")]
    pub unfreeze: Option<String>,
    /// Width and height of the net's input, in pixels.
    #[arg(long, alias = "imgsz", value_name = "PIXELS")]
    pub image_size: Option<usize>,
    /// Number of images in a step.
    #[arg(long, short = 'b', default_value_t = 8, value_name = "N")]
    pub batch_size: usize,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub device: DeviceArguments,
}
