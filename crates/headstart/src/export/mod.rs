//! Sealed models in the formats of other programs, and in fewer bytes.

pub mod onnx;
pub mod short;
