//! Which files are to be classified.

use std::io::BufRead as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use headstart::Error;
use headstart::dataset::files_in;

/// Files as they are named; of a folder all that lie in it and below, of a pattern all that match it, and of `-` those
/// that standard input names, one a line.
pub fn files(arguments: &[String]) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "-" => listed(&mut files)?,
            name if Path::new(name).exists() || !name.contains(['*', '?', '[']) => add(name, &mut files)?,
            pattern => matching(pattern, &mut files)?,
        }
    }
    if files.is_empty() {
        bail!("standard input names no file");
    }
    Ok(files)
}

fn listed(files: &mut Vec<String>) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line.context("cannot read the list on standard input")?;
        if !line.is_empty() {
            add(&line, files)?;
        }
    }
    Ok(())
}

fn matching(pattern: &str, files: &mut Vec<String>) -> Result<()> {
    let before = files.len();
    for path in glob::glob(pattern).with_context(|| format!("{pattern} is no pattern"))? {
        add(&path?.display().to_string(), files)?;
    }
    if files.len() == before {
        bail!("{pattern}: no file matches");
    }
    Ok(())
}

fn add(name: &str, files: &mut Vec<String>) -> Result<()> {
    if !Path::new(name).is_dir() {
        files.push(name.to_string());
        return Ok(());
    }
    let found = files_in(Path::new(name))?;
    if found.is_empty() {
        return Err(Error::invalid(name, "a folder with images", "no file in it").into());
    }
    files.extend(found.iter().map(|path| path.display().to_string()));
    Ok(())
}
