//! Features of images as vectors, for other learners.

use std::path::{Path, PathBuf};

use headstart::Error;
use headstart::backbone::{Backbone, Unfreeze};
use headstart::dataset::Sample;
use headstart::features;
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error;
use crate::images::{Images, Refusal};
use crate::threads::at_once;
use crate::work::long;

/// The frozen first blocks of a pretrained net, with their preprocessing.
#[pyclass(frozen, module = "headstart._headstart")]
pub struct Extractor {
    extractor: features::Extractor,
}

#[pymethods]
impl Extractor {
    #[new]
    #[pyo3(signature = (backbone, *, cut, weights, image_size))]
    fn new(
        python: Python<'_>,
        backbone: &str,
        cut: Option<&str>,
        weights: Option<PathBuf>,
        image_size: Option<usize>,
    ) -> PyResult<Self> {
        let extractor = at_once(python, || {
            let backbone = Backbone::load_at(backbone, weights.as_deref(), image_size)?;
            let cut = backbone.spec.cut(&cut.map_or(Unfreeze::Nothing, |block| block.to_string().into()))?;
            Ok(features::Extractor::new(&backbone, cut, &backbone.preprocess))
        })?;
        extractor.map(|extractor| Self { extractor }).map_err(error::python)
    }

    /// Length of one image's vector.
    #[getter]
    fn channels(&self) -> usize {
        self.extractor.output().channels
    }

    /// The mean over height and width of each image's features, float32 `[N, C]`. Those of files come from the cache in
    /// the folder `cache`, or are computed into it.
    #[pyo3(signature = (images, cache, *, progress = None))]
    fn features<'py>(
        &self,
        images: &Bound<'py, PyAny>,
        cache: PathBuf,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let (python, images) = (images.py(), Images::of(images)?);
        if images.len() == 0 {
            return Err(PyValueError::new_err("expected images, found none"));
        }
        let extractor = &self.extractor;
        let means = long(python, progress, |observer| match images.paths() {
            Some(paths) => Ok(of_files(extractor, &paths, &cache, observer)?),
            None => {
                let mut problem = None;
                let read = |places| {
                    let read = images.read(places).into_iter().collect::<Result<Vec<_>, Refusal>>();
                    // The library has its own errors; what Python says waits until it has stopped.
                    read.map_err(|why| {
                        problem = Some(why);
                        Error::Interrupted
                    })
                };
                let means = extractor.means_of(images.len(), read, observer);
                match problem {
                    Some(why) => Err(why.into()),
                    None => Ok(means?),
                }
            }
        })?;
        PyArray1::from_vec(python, means).reshape([images.len(), extractor.output().channels])
    }
}

/// The folder in the user's cache folder where features are kept.
#[pyfunction]
pub fn usual_cache() -> PathBuf {
    features::usual_cache()
}

fn of_files(
    extractor: &features::Extractor,
    paths: &[&Path],
    cache: &Path,
    observer: &mut dyn headstart::Observer,
) -> headstart::Result<Vec<f32>> {
    for path in paths {
        path.metadata().map_err(|why| Error::io("read", path, why))?;
    }
    let samples = paths.iter().map(|path| Sample::unlabelled(path.to_path_buf()));
    let samples = samples.collect::<headstart::Result<Vec<_>>>()?;
    let extracted = extractor.extract(&samples, cache, observer)?;
    match extracted.set_aside.first() {
        Some((path, why)) => Err(Error::invalid(path, "an image", why)),
        None => extracted.means(extractor.output()),
    }
}
