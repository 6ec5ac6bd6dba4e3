//! The page that shows a classifier's answers, and the words for them.
//!
//! `headstart-web` serves it and answers from the server; the export for the browser writes it as files, and
//! `headstart-wasm` answers on the visitor's own device. Both say the same, in each of the page's languages.

pub mod answer;
pub mod html;
pub mod image_kind;
pub mod language;
pub mod local;
pub mod measured;
pub mod page;
pub mod page_files;
pub mod predictor;
