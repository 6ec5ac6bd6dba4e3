//! Features of a data set as a file for NumPy, with the path, label and split of each row.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::extract::Extracted;
use super::pooled::{channel_means, channels_first};
use super::{Extractor, npy};
use crate::backbone::spec::MapShape;
use crate::dataset::{Dataset, Sample, Split};
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::whole_file::replace;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Of the array: `[N, C, H, W]`, or `[N, C]` of means.
    pub shape: Vec<usize>,
    /// The table of its rows; `None` where they lie in the array's own file.
    pub rows: Option<PathBuf>,
}

/// Writes the features of every usable image of `data` as f32, a row each in the order of their paths. `pooled` takes
/// the mean over height and width. An `.npz` holds `features`, `paths`, `labels`, `classes` and `splits`; beside an
/// array `X.npy` goes a table `X.rows.csv` of them.
///
/// # Errors
/// Data that cannot be used, or an output that cannot be written.
pub fn write_features(
    extractor: &Extractor,
    data: &Path,
    cache: &Path,
    (out, pooled): (&Path, bool),
    progress: &mut dyn Observer,
) -> Result<Written> {
    let mut dataset = Dataset::open(data)?;
    dataset.samples.sort_by(|a, b| a.path().cmp(b.path()));
    let extracted = extractor.extract(&dataset.samples, cache, progress)?;
    let array = Array { extracted: &extracted, map: extractor.output(), pooled };
    let samples: Vec<&Sample> = extracted.usable.iter().map(|index| &dataset.samples[*index]).collect();
    let rows = Rows { samples, classes: &dataset.classes };
    if out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz")) {
        replace(out, |file| archive(file, &array, &rows).map_err(|why| Error::io("write", out, why)))?;
        return Ok(Written { shape: array.shape(), rows: None });
    }
    let table = out.with_extension("rows.csv");
    replace(out, |mut file| {
        array.write(&mut file).and_then(|()| file.flush()).map_err(|why| Error::io("write", out, why))
    })?;
    replace(&table, |file| rows.table(file).map_err(|why| Error::io("write", &table, why)))?;
    Ok(Written { shape: array.shape(), rows: Some(table) })
}

/// The array as it is written.
struct Array<'a> {
    extracted: &'a Extracted,
    map: MapShape,
    pooled: bool,
}

impl Array<'_> {
    fn shape(&self) -> Vec<usize> {
        let (count, map) = (self.extracted.usable.len(), self.map);
        match self.pooled {
            true => vec![count, map.channels],
            false => vec![count, map.channels, map.height, map.width],
        }
    }

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(&npy::header("<f4", &self.shape()))?;
        let mut values = vec![0.0; self.map.len()];
        for row in 0..self.extracted.usable.len() {
            self.extracted.records.copy(row, &mut values);
            let write = |value: f32| to.write_all(&value.to_le_bytes());
            if self.pooled {
                channel_means(&values, self.map).try_for_each(write)?;
                continue;
            }
            channels_first(&values, self.map).try_for_each(write)?;
        }
        self.extracted.records.check().map_err(io::Error::other)
    }
}

/// What each row of the array is.
struct Rows<'a> {
    samples: Vec<&'a Sample>,
    classes: &'a [String],
}

impl Rows<'_> {
    fn splits(&self) -> Vec<&str> {
        self.samples.iter().map(|sample| sample.split.map_or("", Split::name)).collect()
    }

    fn table(&self, to: impl Write) -> io::Result<()> {
        let mut table = csv::Writer::from_writer(to);
        table.write_record(["path", "label", "split"])?;
        for (sample, split) in self.samples.iter().zip(self.splits()) {
            table.write_record([sample.path(), &self.classes[sample.label], split])?;
        }
        table.flush()
    }
}

/// All arrays in one file, uncompressed, as `numpy.savez` writes it.
fn archive(file: BufWriter<&File>, array: &Array<'_>, rows: &Rows<'_>) -> io::Result<()> {
    let mut archive = ZipWriter::new(file);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    let paths: Vec<&str> = rows.samples.iter().map(|sample| sample.path()).collect();
    let labels: Vec<usize> = rows.samples.iter().map(|sample| sample.label).collect();
    let classes: Vec<&str> = rows.classes.iter().map(String::as_str).collect();
    archive.start_file("features.npy", options)?;
    array.write(&mut archive)?;
    archive.start_file("labels.npy", options)?;
    npy::numbers(&labels, &mut archive)?;
    for (name, texts) in [("paths", paths), ("classes", classes), ("splits", rows.splits())] {
        archive.start_file(format!("{name}.npy"), options)?;
        npy::texts(&texts, &mut archive)?;
    }
    archive.finish()?.flush()
}
