//! Images as Python has them: paths, bytes of files, arrays and PIL's images.

use std::ops::Range;
use std::path::{Path, PathBuf};

use headstart::image::{DecodeError, Image, Limits, decode};
use headstart::{Error, regular};
use numpy::{Element, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};
use rayon::prelude::*;

use crate::error::{self, HeadstartError};
use crate::work::Failure;

/// What an array may be.
const ARRAY: &str = "an array of uint8 or uint16 with the shape [H, W], [H, W, 1] or [H, W, 3]";
/// What an array of several images may be.
const ARRAYS: &str = "an array of uint8 or uint16 with the shape [N, H, W], [N, H, W, 1] or [N, H, W, 3]";

/// Images that are read a few at a time.
pub enum Images {
    /// One after the other, of any kind.
    Each(Vec<Source>),
    /// The rows of one array, and how many they are.
    Rows(Py<PyAny>, usize),
}

/// One image.
pub enum Source {
    /// A file.
    Path(PathBuf),
    /// The bytes of a file.
    Bytes(PyBackedBytes),
    /// Pixels: an array or an image of PIL. They are copied when they are read, because Python may change them while
    /// headstart computes.
    Pixels(Py<PyAny>),
}

/// Why an image cannot be used.
pub enum Refusal {
    /// The system refuses to read the file.
    Unreadable(Error),
    /// A file that is no usable image: its name, and why.
    Undecodable(String, DecodeError),
    /// Pixels that are no image.
    Unsuitable(PyErr),
}

impl Refusal {
    /// As an error.
    pub fn raised(self) -> PyErr {
        match self {
            Self::Unreadable(why) => error::python(why),
            Self::Undecodable(name, why) => HeadstartError::new_err(format!("{name}: {why}")),
            Self::Unsuitable(why) => why,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Python(refusal.raised())
    }
}

impl Images {
    /// A list of images, or an array of several.
    pub fn of(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        if given.is_instance_of::<pyo3::types::PyString>() || given.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err("expected several images, such as a list, found a single one"));
        }
        match given.cast::<PyUntypedArray>() {
            // Arrays of texts and objects are lists.
            Ok(array) if array.ndim() != 1 => Self::rows(array),
            Ok(_) | Err(_) => Self::each(given),
        }
    }

    /// A single image.
    pub fn one(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self::Each(vec![source(given, "")?]))
    }

    fn rows(array: &Bound<'_, PyUntypedArray>) -> PyResult<Self> {
        let (shape, kind) = (array.shape(), array.dtype().to_string());
        let is_pixels = matches!(kind.as_str(), "uint8" | "uint16");
        match shape {
            [count, _, _] | [count, _, _, 1 | 3] if is_pixels => {
                Ok(Self::Rows(array.as_any().clone().unbind(), *count))
            }
            _ => Err(PyValueError::new_err(format!("expected {ARRAYS}, found {kind} with {shape:?}"))),
        }
    }

    fn each(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let numbered = given.try_iter()?.enumerate();
        let sources = numbered.map(|(index, item)| source(&item?, &format!("image {index}: ")));
        Ok(Self::Each(sources.collect::<PyResult<_>>()?))
    }

    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::Each(sources) => sources.len(),
            Self::Rows(_, count) => *count,
        }
    }

    /// The files, if all are files.
    pub fn paths(&self) -> Option<Vec<&Path>> {
        let Self::Each(sources) = self else { return None };
        let path = |source: &Source| match source {
            Source::Path(path) => path.to_str().map(|_| ()),
            Source::Bytes(_) | Source::Pixels(_) => None,
        };
        sources.iter().all(|source| path(source).is_some()).then(|| {
            let each = sources.iter().enumerate();
            each.filter_map(|(index, _)| self.path(index)).collect()
        })
    }

    /// The file that an image is.
    pub fn path(&self, index: usize) -> Option<&Path> {
        match self {
            Self::Each(sources) => match &sources[index] {
                Source::Path(path) => Some(path),
                Source::Bytes(_) | Source::Pixels(_) => None,
            },
            Self::Rows(..) => None,
        }
    }

    /// Those at some places, decoded on all threads. Python's lock is taken for pixels alone.
    pub fn read(&self, places: Range<usize>) -> Vec<Result<Image, Refusal>> {
        match self {
            Self::Rows(array, _) => Python::attach(|python| {
                let array = array.bind(python);
                let row = |index: usize| pixels(&array.get_item(index)?, index);
                places.map(|index| row(index).map_err(Refusal::Unsuitable)).collect()
            }),
            Self::Each(sources) => {
                let start = places.start;
                let numbered = sources[places].par_iter().enumerate();
                numbered.map(|(index, source)| source.read(start + index)).collect()
            }
        }
    }
}

fn source(given: &Bound<'_, PyAny>, place: &str) -> PyResult<Source> {
    if let Ok(bytes) = given.cast::<PyBytes>() {
        return Ok(Source::Bytes(bytes.clone().into()));
    }
    if given.is_instance_of::<PyByteArray>() || given.is_instance_of::<PyMemoryView>() {
        let copied = given.py().get_type::<PyBytes>().call1((given,))?;
        return Ok(Source::Bytes(copied.cast::<PyBytes>()?.clone().into()));
    }
    if given.cast::<PyUntypedArray>().is_ok() || given.hasattr("getbands")? {
        return Ok(Source::Pixels(given.clone().unbind()));
    }
    given.extract().map(Source::Path).map_err(|_| {
        let found = given.get_type();
        let expected = "a path, the bytes of a file, an array or an image of PIL";
        PyTypeError::new_err(format!("{place}expected {expected}, found {found}"))
    })
}

impl Source {
    fn read(&self, index: usize) -> Result<Image, Refusal> {
        let limits = Limits::default();
        match self {
            Self::Path(path) => {
                let bytes = regular::read(path, limits.max_bytes)
                    .map_err(|why| Refusal::Unreadable(Error::io("read", path, why)))?;
                decode(&bytes, &limits).map_err(|why| Refusal::Undecodable(path.display().to_string(), why))
            }
            Self::Bytes(bytes) => decode(bytes, &limits)
                .map_err(|why| Refusal::Undecodable(format!("the bytes of image {index}"), why)),
            Self::Pixels(given) => {
                Python::attach(|python| pixels(given.bind(python), index)).map_err(Refusal::Unsuitable)
            }
        }
    }
}

/// An image of an array, or of PIL's image, which becomes an array.
fn pixels(given: &Bound<'_, PyAny>, index: usize) -> PyResult<Image> {
    let array = match given.cast::<PyUntypedArray>() {
        Ok(array) => array.clone(),
        Err(_) => {
            let convert = given.py().import("headstart._pil")?.getattr("array")?;
            convert.call1((given,))?.cast_into::<PyUntypedArray>()?
        }
    };
    let (shape, kind) = (array.shape().to_vec(), array.dtype().to_string());
    let problem = |expected: &str| {
        PyValueError::new_err(format!("image {index}: expected {expected}, found {kind} with {shape:?}"))
    };
    let (height, width, grey) = match shape.as_slice() {
        [height, width] | [height, width, 1] => (*height, *width, true),
        [height, width, 3] => (*height, *width, false),
        _ => return Err(problem(ARRAY)),
    };
    let limits = Limits::default();
    let most = limits.max_side as usize;
    if !(1..=most).contains(&height) || !(1..=most).contains(&width) {
        return Err(problem(&format!("sides from 1 to {most}")));
    }
    if (height * width) as u64 > limits.max_pixels {
        return Err(problem(&format!("at most {} pixels", limits.max_pixels)));
    }
    if let Ok(bytes) = array.cast::<PyArrayDyn<u8>>() {
        return Ok(Image::from_rgb8(width, height, rgb(bytes, grey)));
    }
    match array.cast::<PyArrayDyn<u16>>() {
        Ok(values) => Ok(Image::from_rgb16(width, height, rgb(values, grey))),
        Err(_) => Err(problem(ARRAY)),
    }
}

/// The values as RGB, rows from the top.
fn rgb<T: Element + Copy>(array: &Bound<'_, PyArrayDyn<T>>, grey: bool) -> Vec<T> {
    let array = array.readonly();
    match (array.as_slice(), grey) {
        (Ok(values), false) => values.to_vec(),
        (Ok(values), true) => values.iter().flat_map(|value| [*value; 3]).collect(),
        (Err(_), false) => array.as_array().iter().copied().collect(),
        (Err(_), true) => array.as_array().iter().flat_map(|value| [*value; 3]).collect(),
    }
}
