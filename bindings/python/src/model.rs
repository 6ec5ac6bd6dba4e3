//! A sealed model for Python.

use std::path::PathBuf;
use std::sync::Arc;

use headstart::classifier::Answer;
use headstart::explain::{Heatmap, Method, overlay};
use headstart::image::Image;
use headstart::{Classifier, Error, write_whole};
use numpy::{PyArray1, PyArray2, PyArray3, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::answer::{dict, failed};
use crate::error::{self, HeadstartError};
use crate::images::{Images, Refusal};
use crate::plain::plain;
use crate::threads::at_once;
use crate::work::{Failure, long};

/// Images that are decoded and classified together: at least, and as many as there are threads.
const BATCH: usize = 8;

/// A sealed model: preprocessing, net, classes and threshold in one.
///
/// `load` reads one from a file, `Run.model` is that of a training. It can be pickled: its state is the bytes of the
/// sealed file.
#[pyclass(frozen, module = "headstart", name = "Model")]
pub struct Model {
    classifier: Arc<Classifier>,
    /// The sealed file.
    bytes: Vec<u8>,
}

impl Model {
    /// Compiles a model. `name` is what errors call it.
    pub fn compile(python: Python<'_>, bytes: Vec<u8>, name: PathBuf) -> PyResult<Self> {
        let classifier = at_once(python, || Classifier::from_bytes(&bytes, name))?.map_err(error::python)?;
        Ok(Self { classifier: Arc::new(classifier), bytes })
    }

    fn class(&self, name: Option<&str>, image: &Image) -> PyResult<usize> {
        let classes = self.classifier.classes();
        let Some(name) = name else { return Ok(self.classifier.classify(image).label) };
        classes.iter().position(|class| class == name).ok_or_else(|| {
            PyValueError::new_err(format!("class_name: expected one of {}, found {name}", classes.join(", ")))
        })
    }

    /// Reads one image, and what of it speaks for a class.
    fn seen(
        &self,
        image: &Bound<'_, PyAny>,
        class: Option<&str>,
        method: Option<&str>,
    ) -> PyResult<(Image, Answer, Option<Heatmap>)> {
        let images = Images::one(image)?;
        let method = method.map(str::parse::<Method>).transpose().map_err(error::python)?;
        at_once(image.py(), || {
            let image = images.read(0..1).remove(0).map_err(Refusal::raised)?;
            let answer = self.classifier.classify(&image);
            let map = match method {
                None => None,
                Some(method) => self.classifier.explain(&image, self.class(class, &image)?, method),
            };
            Ok((image, answer, map))
        })?
    }

    /// Classifies image by image, a batch at a time, and hands out what came of each batch.
    fn each(
        &self,
        (python, progress): (Python<'_>, Option<&Bound<'_, PyAny>>),
        images: &Images,
        mut take: impl FnMut(Result<Answer, Refusal>) -> Result<(), Failure> + Send,
    ) -> PyResult<()> {
        long(python, progress, |observer| {
            let batch = BATCH.max(rayon::current_num_threads());
            for start in (0..images.len()).step_by(batch) {
                if observer.stop() {
                    return Err(Error::Interrupted.into());
                }
                let end = images.len().min(start + batch);
                let mut usable = Vec::with_capacity(batch);
                let read =
                    images.read(start..end).into_iter().map(|image| image.map(|image| usable.push(image)));
                let read: Vec<Result<(), Refusal>> = read.collect();
                let answers = if usable.is_empty() { vec![] } else { self.classifier.classify_all(&usable) };
                let mut answers = answers.into_iter();
                for image in read {
                    let answer = image.map(|()| answers.next().expect("each image has an answer"));
                    take(answer)?;
                }
                observer.extracted(end, images.len(), 0);
            }
            Ok(())
        })
    }
}

#[pymethods]
impl Model {
    /// A model from the bytes of a sealed file.
    #[staticmethod]
    fn from_bytes(python: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        Self::compile(python, bytes.to_vec(), "the bytes of a model".into())
    }

    /// A model from a sealed file.
    #[staticmethod]
    fn load(python: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let bytes = Classifier::read_bytes(&path).map_err(error::python)?;
        Self::compile(python, bytes, path)
    }

    /// The bytes of the sealed file.
    fn to_bytes<'py>(&self, python: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(python, &self.bytes)
    }

    /// Writes the sealed file, whole or not at all.
    fn save(&self, python: Python<'_>, path: PathBuf) -> PyResult<()> {
        python.detach(|| write_whole(&path, &self.bytes)).map_err(error::python)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let make = slf.get_type().getattr("from_bytes")?;
        Ok((make, (slf.get().to_bytes(slf.py()),)))
    }

    fn __repr__(&self) -> String {
        let description = self.classifier.description();
        format!("<headstart.Model {}: {}>", description.backbone, description.classes.join(", "))
    }

    /// Class names, in the order of the scores.
    #[getter]
    fn classes(&self) -> Vec<String> {
        self.classifier.classes().to_vec()
    }

    /// Of two classes the score of the positive one from which on an image is called positive; else `None`.
    #[getter]
    fn threshold(&self) -> Option<f64> {
        self.classifier.deciding_threshold()
    }

    /// Of two classes the one that sensitivity is about; else `None`.
    #[getter]
    fn positive(&self) -> Option<&str> {
        let classes = self.classifier.classes();
        (classes.len() == 2).then(|| classes[self.classifier.positive()].as_str())
    }

    /// What every answer comes with.
    #[getter]
    fn caution(&self) -> &str {
        self.classifier.caution()
    }

    /// Everything about the model but its tensors: classes, preprocessing, recipe, history, metrics, provenance.
    #[getter]
    fn description(&self, python: Python<'_>) -> PyResult<Py<PyAny>> {
        plain(python, self.classifier.description())
    }

    /// Classifies one image: a path, the bytes of a file, an array of uint8 or uint16 `[H, W]` or `[H, W, 3]`, or an image of
    /// PIL. Gives a dict of plain values:
    ///
    /// - `verdict`: "decided", "undecided" or "refused", and `doubt`: what to say where it is not decided
    /// - `predicted`: the class, only where it is decided; `likeliest`: the class that scores and threshold point to
    /// - `score_CLASS`: the share of each class
    /// - `plausible`: the classes that cannot be ruled out
    /// - `distance`: from the training images, about 1 for one like them; `refused`, `oddness`, `unusual`
    /// - `path`, `frames`, `threshold`, `error`
    ///
    /// `heat_map` "grad-cam" or "layer-cam" adds `heat_map`: float32 `[h, w]` from 0 to 1, where in the net's input the likeliest
    /// class was seen.
    #[pyo3(signature = (image, *, heat_map = None))]
    fn classify<'py>(
        &self,
        image: &Bound<'py, PyAny>,
        heat_map: Option<&str>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let python = image.py();
        let (_, answer, map) = self.seen(image, None, heat_map)?;
        let path = image.extract::<PathBuf>().ok().map(|path| path.display().to_string());
        let dict = dict(python, &self.classifier, path.as_deref(), &answer)?;
        if heat_map.is_some() {
            dict.set_item("heat_map", map.map(|map| array(python, map)).transpose()?)?;
        }
        Ok(dict)
    }

    /// Classifies several images together, which is faster than one after the other: a list of what `classify` takes, or
    /// an array of uint8 or uint16 `[N, H, W, 3]`. Gives a list of dicts, which pandas and polars take as a table.
    ///
    /// An image that cannot be used raises an error. Where `errors` is "keep" it has a dict of which only `path` and `error`
    /// say something.
    #[pyo3(signature = (images, *, errors = "raise", progress = None))]
    fn classify_all<'py>(
        &self,
        images: &Bound<'py, PyAny>,
        errors: &str,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let keep_errors = match errors {
            "raise" => false,
            "keep" => true,
            _ => {
                let text = format!("errors: expected 'raise' or 'keep', found {errors:?}");
                return Err(PyValueError::new_err(text));
            }
        };
        let (python, images) = (images.py(), Images::of(images)?);
        let mut answers = Vec::with_capacity(images.len());
        self.each((python, progress), &images, |answer| {
            answers.push(match answer {
                Err(why) if keep_errors => Err(why.raised()),
                Err(why) => return Err(why.into()),
                Ok(answer) => Ok(answer),
            });
            Ok(())
        })?;
        let of = |(index, answer): (usize, &Result<Answer, PyErr>)| {
            let path = images.path(index).map(|path| path.display().to_string());
            match answer {
                Ok(answer) => dict(python, &self.classifier, path.as_deref(), answer),
                Err(why) => failed(python, &self.classifier, path.as_deref(), &why.value(python).to_string()),
            }
        };
        answers.iter().enumerate().map(of).collect()
    }

    /// The index of each image's likeliest class by scores and threshold, int64 `[N]`, and its scores, float32
    /// `[N, classes]`.
    #[expect(clippy::type_complexity, reason = "two arrays of NumPy")]
    #[pyo3(signature = (images, *, progress = None))]
    fn labels_and_scores<'py>(
        &self,
        images: &Bound<'py, PyAny>,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyArray1<i64>>, Bound<'py, PyArray2<f32>>)> {
        let (python, images) = (images.py(), Images::of(images)?);
        let classes = self.classifier.classes().len();
        let mut labels = Vec::with_capacity(images.len());
        let mut scores = Vec::with_capacity(images.len() * classes);
        self.each((python, progress), &images, |answer| {
            let answer = answer?;
            labels.push(answer.label as i64);
            scores.extend(answer.scores);
            Ok(())
        })?;
        let scores = PyArray1::from_vec(python, scores).reshape([images.len(), classes])?;
        Ok((PyArray1::from_vec(python, labels), scores))
    }

    /// Where in the net's input a class was seen, the likeliest unless another is named: float32 `[h, w]`, from 0 to 1.
    #[pyo3(signature = (image, class_name = None, *, method = "grad-cam"))]
    fn explain<'py>(
        &self,
        image: &Bound<'py, PyAny>,
        class_name: Option<&str>,
        method: &str,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let (_, _, map) = self.seen(image, class_name, Some(method))?;
        array(image.py(), map.ok_or_else(without_places)?)
    }

    /// The image with the heat map over it, at most 448 pixels wide and high: uint8 `[H, W, 3]`.
    #[pyo3(signature = (image, class_name = None, *, method = "grad-cam"))]
    fn overlay<'py>(
        &self,
        image: &Bound<'py, PyAny>,
        class_name: Option<&str>,
        method: &str,
    ) -> PyResult<Bound<'py, PyArray3<u8>>> {
        let (shown, _, map) = self.seen(image, class_name, Some(method))?;
        let map = map.ok_or_else(without_places)?;
        let picture = overlay(&shown, &map, self.classifier.description().preprocess.resize);
        let (height, width) = (picture.height(), picture.width());
        PyArray1::from_vec(image.py(), picture.to_rgb8().into_owned()).reshape([height, width, 3])
    }
}

fn without_places() -> PyErr {
    HeadstartError::new_err("this net has no layer with places, so there is no heat map")
}

/// `[height, width]`, handed over without a copy.
fn array(python: Python<'_>, map: Heatmap) -> PyResult<Bound<'_, PyArray2<f32>>> {
    PyArray1::from_vec(python, map.values).reshape([map.height, map.width])
}
