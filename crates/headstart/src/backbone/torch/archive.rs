//! The zip that `torch.save` writes: `NAME/data.pkl`, and each storage in `NAME/data/KEY`, stored as it is.

use std::io::Cursor;

use zip::{CompressionMethod, ZipArchive};

use super::{Found, shown};

/// A zip in memory, whose records are parts of `bytes`.
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    zip: ZipArchive<Cursor<&'a [u8]>>,
    folder: String,
    /// Bytes that records may still have: together they are no longer than the file.
    left: usize,
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Found<Self> {
        let zip = ZipArchive::new(Cursor::new(bytes));
        let zip = zip.map_err(|why| format!("a zip that is cut off or damaged ({why})"))?;
        let mut names = zip.file_names().map_while(|name| name.ok());
        let folder = names.find_map(|name| name.strip_suffix("data.pkl").map(str::to_string));
        drop(names);
        let folder = folder.ok_or("a zip without a record data.pkl")?;
        let mut archive = Self { bytes, zip, folder, left: bytes.len() };
        if archive.has("constants.pkl") {
            return Err("a TorchScript program: save its state_dict() with torch.save".into());
        }
        if archive.has("byteorder") && archive.record("byteorder")? != b"little" {
            return Err("values of a machine with another byte order".into());
        }
        Ok(archive)
    }

    fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(&format!("{}{name}", self.folder)).is_some()
    }

    /// The bytes of a record, whose checksum is compared.
    pub(super) fn record(&mut self, name: &str) -> Found<&'a [u8]> {
        let shown = shown(name);
        let entry = self.zip.by_name(&format!("{}{name}", self.folder));
        let entry = entry.map_err(|why| format!("no record {shown} ({why})"))?;
        if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
            return Err(format!("the record {shown} packed or encrypted, which PyTorch never does"));
        }
        let start = entry.data_start().and_then(|start| usize::try_from(start).ok());
        let length = usize::try_from(entry.compressed_size()).ok();
        let range = start.zip(length).and_then(|(start, length)| Some(start..start.checked_add(length)?));
        let bytes = range.and_then(|range| self.bytes.get(range));
        let bytes = bytes.ok_or_else(|| format!("the record {shown} cut off"))?;
        let left = self.left.checked_sub(bytes.len());
        self.left = left.ok_or("records that lie over each other")?;
        match crc32fast::hash(bytes) == entry.crc32() {
            true => Ok(bytes),
            false => Err(format!("the record {shown} damaged: its checksum is another")),
        }
    }
}
