//! `headstart export`.

use std::path::Path;

use anyhow::Result;
use headstart::backbone::registry;
use headstart::evaluate::Estimate;
use headstart::export::onnx::quantise::{Quantised, quantise};
use headstart::export::onnx::{self, Pixels, Pretrained};
use headstart::visible::visible;
use headstart::{Error, write_whole};

use super::compare::p_value;
use crate::cli::{ExportArguments, ExportBackbone, ExportInput, Quantize};
use crate::output::{Terminal, stop_on_interrupt};
use crate::print::{self, out};

pub fn run(arguments: &ExportArguments) -> Result<()> {
    match &arguments.web {
        Some(page) => write_page(arguments, page),
        None => write_onnx(arguments),
    }
}

fn write_page(arguments: &ExportArguments, page: &Path) -> Result<()> {
    let model = super::model_file(&arguments.model)?;
    let written = headstart_web::export(&model, page, &arguments.language)?;
    out!("{}: {:.1} MB", page.display(), written.bytes as f64 / 1e6);
    match written.is_rounded {
        true => {
            out!("weights in 16 bits: scores of generated pictures are off by {:.5} at most", written.off)
        }
        false => out!("weights as they are: in 16 bits an answer would have changed"),
    }
    if written.files.len() > 1 {
        out!("files: {}", written.files.join(", "));
    }
    Ok(())
}

fn write_onnx(arguments: &ExportArguments) -> Result<()> {
    let (input, out) = (pixels(arguments.input), arguments.out.clone());
    let (file, written) = match (backbone(arguments)?, arguments.quantize) {
        (Some(_), Some(Quantize::Int8)) => {
            let found = format!("the backbone {}, which has none", arguments.model.display());
            return Err(Error::setting("quantize", "a sealed model with validation images", found).into());
        }
        (Some(net), None) => {
            let file = out.unwrap_or_else(|| format!("{}.onnx", net.name).into());
            (file.clone(), onnx::export_backbone(&net, &file, input)?)
        }
        (None, Some(Quantize::Int8)) => {
            let model = super::model_file(&arguments.model)?;
            let file = out.unwrap_or_else(|| model.with_extension("int8.onnx"));
            (file.clone(), quantised(arguments, &model)?.write(&file)?)
        }
        (None, None) => {
            let model = super::model_file(&arguments.model)?;
            let file = out.unwrap_or_else(|| onnx::beside(&model));
            (file.clone(), onnx::export(&model, &file, input)?)
        }
    };
    out!("{}: {:.1} MB", print::path(&file), written.bytes as f64 / 1e6);
    out!("input    {}", written.input);
    out!("outputs  {}", written.outputs.join(", "));
    Ok(())
}

/// The model in 8 bits, and what it loses as a table.
fn quantised(arguments: &ExportArguments, model: &Path) -> Result<Quantised> {
    stop_on_interrupt();
    let data = arguments.data.as_deref();
    let quantised = quantise(model, data, pixels(arguments.input), &mut Terminal::default())?;
    let [layers, all] = quantised.layers;
    out!(
        "{layers} of {all} convolutions and dense layers in 8 bits, ranges of maps from {} images",
        quantised.measured
    );
    out!("{} validation images of {} patients or pictures:", quantised.images, quantised.groups);
    out!("{:<16} {:>8} {:>8}  difference (95 %), p of all tests together", "", "32 bits", "8 bits");
    for test in &quantised.tests {
        let ([there, here], Estimate { value, low, high }) = (test.values, test.difference);
        let verdict = if test.is_loss() { ": a loss" } else { "" };
        out!(
            "{:<16} {there:>8.4} {here:>8.4}  {value:+.4} ({low:+.4} to {high:+.4}), {}{verdict}",
            visible(&test.measure),
            p_value(test.p)
        );
    }
    out!("scores differ by {:.4} at most", quantised.off);
    if let Some(file) = &arguments.scores {
        write_whole(file, quantised.scores_csv().as_bytes())?;
    }
    Ok(quantised)
}

/// The pretrained net that is meant; `None` for a sealed model.
fn backbone(arguments: &ExportArguments) -> Result<Option<Pretrained<'_>>> {
    let ExportBackbone { weights, unfreeze, image_size } = &arguments.backbone;
    // A folder may have a backbone's name.
    let is_model = arguments.model.is_file() || arguments.model.join("model.safetensors").is_file();
    let entry = arguments.model.to_str().filter(|_| !is_model).map(registry::find);
    match entry {
        Some(Ok(entry)) => Ok(Some(Pretrained {
            name: entry.name,
            weights: weights.as_deref(),
            image_size: *image_size,
            unfreeze: unfreeze.clone().unwrap_or_else(|| "none".into()).into(),
        })),
        Some(Err(_)) | None if weights.is_some() || unfreeze.is_some() || image_size.is_some() => {
            let found = arguments.model.display();
            Err(Error::Usage(format!(
                "--weights, --unfreeze and --image-size are for a backbone: expected a name that `headstart backbones list` \
                 shows, found {found}"
            ))
            .into())
        }
        Some(Err(_)) | None if !arguments.model.exists() => {
            let expected = "a sealed model, the folder of a run, or a backbone's name";
            Err(Error::invalid(&arguments.model, expected, "nothing there").into())
        }
        Some(Err(_)) | None => Ok(None),
    }
}

fn pixels(input: ExportInput) -> Pixels {
    match input {
        ExportInput::Uint8 => Pixels::Uint8,
        ExportInput::Float32 => Pixels::Float32,
        ExportInput::AnySize => Pixels::AnySize,
        ExportInput::Tensor => Pixels::Tensor,
    }
}
