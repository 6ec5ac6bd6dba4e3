//! The protocol's tensors: images out of a request, predictions into an answer.

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use headstart::classifier::Assessment;
use serde_json::{Value, json};

use super::message::{InferRequest, InputTensor, OutputTensor};
use crate::problem::Problem;
use crate::verdict::Verdict;

/// Bytes of the length before each element of a binary BYTES tensor.
const LENGTH_BYTES: usize = 4;
/// What a model gives.
pub(super) const OUTPUTS: [&str; 3] = ["scores", "class", "verdict"];

/// The image files of a request; `binary` is what follows its JSON.
pub(super) fn images(request: &InferRequest, binary: Bytes) -> Result<Vec<Bytes>, Problem> {
    let [tensor] = request.inputs.as_slice() else {
        return Err(wrong("a model takes one input, “image”"));
    };
    if tensor.name != "image" || tensor.datatype != "BYTES" {
        return Err(wrong("the input has to be “image”, of datatype BYTES"));
    }
    let images = elements(tensor, binary)?;
    let expected = tensor.shape.iter().try_fold(1usize, |product, side| product.checked_mul(*side));
    if tensor.shape.is_empty() || expected != Some(images.len()) {
        return Err(wrong("the input's shape does not fit the number of its elements"));
    }
    if images.is_empty() { Err(Problem::Empty) } else { Ok(images) }
}

fn elements(tensor: &InputTensor, binary: Bytes) -> Result<Vec<Bytes>, Problem> {
    match (&tensor.data, tensor.parameters.as_ref().and_then(|it| it.binary_data_size)) {
        (Some(data), None) => data
            .iter()
            .map(|text| STANDARD.decode(text).map(Bytes::from).map_err(|_| wrong("an image is no base64")))
            .collect(),
        (None, Some(size)) if size == binary.len() => split(binary),
        (None, Some(_)) => Err(wrong("the binary input is shorter or longer than it says")),
        _ => Err(wrong("the input needs data, or else a binary_data_size")),
    }
}

/// Splits a binary BYTES tensor: each element follows its length, 32 bits, little-endian.
fn split(mut binary: Bytes) -> Result<Vec<Bytes>, Problem> {
    let mut elements = Vec::new();
    while let Some(length) = binary.first_chunk::<LENGTH_BYTES>() {
        let length = u32::from_le_bytes(*length) as usize;
        let mut rest = binary.split_off(LENGTH_BYTES);
        if length > rest.len() {
            return Err(wrong("a binary element is cut off"));
        }
        binary = rest.split_off(length);
        elements.push(rest);
    }
    if binary.is_empty() { Ok(elements) } else { Err(wrong("a binary element is cut off")) }
}

/// An output by its name.
pub(super) fn output(name: &str, assessments: &[Assessment]) -> Result<OutputTensor, Problem> {
    let images = assessments.len();
    let words = |name, words: Vec<&str>| OutputTensor {
        name,
        datatype: "BYTES",
        shape: vec![images],
        data: Some(json!(words)),
        parameters: None,
    };
    match name {
        "scores" => {
            let scores: Vec<f32> = assessments.iter().flat_map(|it| it.prediction.scores.clone()).collect();
            Ok(OutputTensor {
                name: "scores",
                datatype: "FP32",
                shape: vec![images, scores.len() / images.max(1)],
                data: Some(json!(scores)),
                parameters: None,
            })
        }
        "class" => Ok(words("class", assessments.iter().map(|it| it.prediction.class.as_str()).collect())),
        "verdict" => Ok(words("verdict", assessments.iter().map(|it| Verdict::of(it).word()).collect())),
        _ => Err(wrong("the outputs are “scores”, “class” and “verdict”")),
    }
}

/// The same as binary data: FP32 little-endian, BYTES each behind its length.
pub(super) fn to_binary(tensor: &OutputTensor) -> Vec<u8> {
    let elements = tensor.data.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let bytes_of = |element: &Value| match element {
        Value::String(text) => [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat(),
        number => (number.as_f64().unwrap_or(f64::NAN) as f32).to_le_bytes().to_vec(),
    };
    elements.iter().flat_map(bytes_of).collect()
}

fn wrong(why: &str) -> Problem {
    Problem::Tensor(why.to_owned())
}

#[cfg(test)]
mod tests {
    use headstart::classifier::Prediction;

    use super::*;

    #[test]
    fn a_binary_tensor_is_split_at_its_lengths() {
        let binary = Bytes::from_static(b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0c");
        assert_eq!(split(binary), Ok(vec![Bytes::from("ab"), Bytes::new(), Bytes::from("c")]));
        for broken in [&b"\x02\0\0\0a"[..], b"\x01\0\0", b"\xff\xff\xff\xffa"] {
            assert!(split(Bytes::from_static(broken)).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn scores_and_classes_become_bytes() {
        let prediction = Prediction { class: "ab".to_owned(), label: 0, scores: vec![1.0, -2.0] };
        let assessments =
            [Assessment { prediction, distance: None, refused: false, plausible: None, frames: 1 }];
        let binary = |name| to_binary(&output(name, &assessments).expect("an output"));
        assert_eq!(binary("scores"), b"\0\0\x80\x3f\0\0\0\xc0");
        assert_eq!(binary("class"), b"\x02\0\0\0ab");
        assert_eq!(binary("verdict"), b"\x07\0\0\0decided");
    }
}
