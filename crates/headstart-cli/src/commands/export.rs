//! `headstart export`.

use std::path::Path;

use anyhow::Result;
use headstart::export::onnx::{self, Pixels};

use crate::cli::{ExportArguments, ExportInput};
use crate::print::out;

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
    let model = super::model_file(&arguments.model)?;
    let file = arguments.out.clone().unwrap_or_else(|| onnx::beside(&model));
    let pixels = match arguments.input {
        ExportInput::Uint8 => Pixels::Uint8,
        ExportInput::Float32 => Pixels::Float32,
        ExportInput::AnySize => Pixels::AnySize,
    };
    let written = onnx::export(&model, &file, pixels)?;
    out!("{}: {:.1} MB", file.display(), written.bytes as f64 / 1e6);
    out!("input    {}", written.input);
    out!("outputs  {}", written.outputs.join(", "));
    Ok(())
}
