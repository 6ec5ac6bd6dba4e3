//! What a net is shown of an image, and how that is called in the cache.

use std::sync::Arc;

use super::cache::Content;
use crate::image::{Image, OddCopy, Preprocess, Stylist, TestView};
use crate::sha256::sha256;

/// What a net is shown of an image: by default the image as it is.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// In the style of view `number` of a stylist.
    drawn: Option<(Arc<Stylist>, usize)>,
    /// Of that, always the same view.
    fixed: Option<TestView>,
    /// Of that, a copy that no camera makes.
    odd: Option<OddCopy>,
}

impl View {
    /// View `number` of those that `stylist` draws.
    pub fn drawn(stylist: &Arc<Stylist>, number: usize) -> Self {
        Self { drawn: Some((Arc::clone(stylist), number)), ..Self::default() }
    }

    /// This view of what is shown so far.
    #[must_use]
    pub fn then(self, fixed: TestView) -> Self {
        Self { fixed: Some(fixed), ..self }
    }

    /// A copy of the image as it is that no camera makes.
    pub fn odd(copy: OddCopy) -> Self {
        Self { odd: Some(copy), ..Self::default() }
    }

    /// Names it behind a trunk's key; the number of views does not matter, so that those that are there are used again.
    pub(super) fn key(&self, trunk: &str) -> String {
        let drawn = self.drawn.as_ref().map(|(stylist, number)| (stylist.key(), *number));
        if let Some(copy) = self.odd {
            return format!("{trunk}-{}", copy.name());
        }
        match (drawn, &self.fixed) {
            (None, None) => trunk.into(),
            (drawn, fixed) => {
                let fixed =
                    fixed.map(|view| serde_json::to_string(&view).expect("a plain struct becomes JSON"));
                let number = drawn.as_ref().map_or(0, |(_, number)| *number);
                let text = format!("2 {} {}", drawn.unwrap_or_default().0, fixed.unwrap_or_default());
                format!("{trunk}-{}-{number}", &sha256(text.as_bytes())[..8])
            }
        }
    }

    pub(super) fn apply(&self, preprocess: &Preprocess, image: &Image, content: &Content) -> Vec<f32> {
        let input = match &self.drawn {
            Some((stylist, number)) => stylist.style(content, *number).apply(preprocess, image),
            None => preprocess.apply(image),
        };
        let mut input = self.fixed.iter().fold(input, |input, view| view.apply(preprocess, &input));
        if let Some(copy) = self.odd {
            copy.apply(preprocess, &mut input);
        }
        input
    }
}

/// A view, and the samples that it is wanted of, by their places.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What is shown of each.
    pub view: View,
    /// In order.
    pub samples: Vec<usize>,
}
