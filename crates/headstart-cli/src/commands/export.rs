//! `headstart export`.

use anyhow::Result;
use headstart::export::onnx::{self, Pixels};

use crate::cli::{ExportArguments, ExportFormat, ExportInput};
use crate::print::out;

pub fn run(arguments: &ExportArguments) -> Result<()> {
    match arguments.format {
        ExportFormat::Onnx => write_onnx(arguments),
    }
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
