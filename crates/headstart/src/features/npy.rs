//! Features as a NumPy array.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::{Extractor, Progress};
use crate::dataset::Dataset;
use crate::error::{Error, Result};

/// Writes the features of every usable image of `data` as f32 `[N, C, H, W]`, in sorted order, and
/// returns that shape.
///
/// # Errors
/// Data that cannot be used, or an output that cannot be written.
pub fn write_npy(
    extractor: &Extractor,
    data: &Path,
    cache: &Path,
    out: &Path,
    progress: &mut dyn Progress,
) -> Result<[usize; 4]> {
    let samples = Dataset::open(data)?.samples;
    let extracted = extractor.extract(&samples, cache, progress)?;
    let map = extractor.output();
    let shape = [extracted.usable.len(), map.channels, map.height, map.width];
    let temporary = out.with_extension("npy.tmp");
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(&temporary)?);
        file.write_all(&header(shape))?;
        let mut values = vec![0.0; map.len()];
        for index in 0..shape[0] {
            extracted.records.copy(index, &mut values);
            // [H, W, C] to [C, H, W].
            for channel in 0..map.channels {
                for value in values.iter().skip(channel).step_by(map.channels) {
                    file.write_all(&value.to_le_bytes())?;
                }
            }
        }
        extracted.records.check().map_err(std::io::Error::other)?;
        file.into_inner()?.sync_all()?;
        std::fs::rename(&temporary, out)
    };
    write().map_err(|why| {
        let _ = std::fs::remove_file(&temporary);
        Error::io("write", out, why)
    })?;
    Ok(shape)
}

/// The header of NumPy's format 1.0, padded to a multiple of 64 bytes.
fn header(shape: [usize; 4]) -> Vec<u8> {
    let [n, c, h, w] = shape;
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {c}, {h}, {w}), }}");
    text += &" ".repeat((64 - (text.len() + 11) % 64) % 64);
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes
}
