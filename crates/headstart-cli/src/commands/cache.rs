//! The folder of the feature cache.

use std::path::{Path, PathBuf};

use headstart::features::usual_cache;
use tempfile::TempDir;

use crate::print;

/// Where features are kept.
pub struct Cache {
    /// The folder.
    pub folder: PathBuf,
    /// Removes a folder that is there for this work only.
    _temporary: Option<TempDir>,
}

impl Cache {
    /// As given, or in the user's cache folder. Where that cannot be written there is a warning, and a folder that goes
    /// when the work is done: a cache saves time and is nothing that work must fail for.
    pub fn open(given: Option<PathBuf>) -> Self {
        let folder = given.unwrap_or_else(usual_cache);
        let Err(why) = try_to_write(&folder) else { return Self { folder, _temporary: None } };
        let shown = print::path(&folder);
        let temporary = tempfile::Builder::new().prefix("headstart-cache-").tempdir();
        let kept = match &temporary {
            Ok(temporary) => {
                format!("features are kept in {} until the work is done", print::path(temporary.path()))
            }
            Err(_) => "there is no other place for features".to_string(),
        };
        print::warning(&format!("the cache {shown} cannot be written ({why}): {kept}"));
        match temporary {
            Ok(temporary) => Self { folder: temporary.path().to_path_buf(), _temporary: Some(temporary) },
            // What needs the folder will say so.
            Err(_) => Self { folder, _temporary: None },
        }
    }
}

fn try_to_write(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    tempfile::Builder::new().prefix(".probe-").tempfile_in(folder).map(|_| ())
}
