//! A list in a request of which only so many elements are kept. Those beyond are counted, not stored, so that a request
//! of a million elements takes no more memory than its own bytes.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

/// The first `MOST` elements of a list, and how many it has.
pub(super) struct Counted<T, const MOST: usize> {
    pub(super) kept: Vec<T>,
    pub(super) count: usize,
}

impl<T, const MOST: usize> Counted<T, MOST> {
    /// The elements, if that is all of them.
    pub(super) fn all(&self) -> Option<&[T]> {
        (self.count == self.kept.len()).then_some(&self.kept)
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Counted<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List(PhantomData))
    }
}

struct List<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for List<T, MOST> {
    type Value = Counted<T, MOST>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < MOST {
            let Some(element) = list.next_element()? else { return Ok(Counted { count: kept.len(), kept }) };
            kept.push(element);
        }
        let mut count = MOST;
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Counted { kept, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_beyond_are_counted_only() {
        let list = |json| serde_json::from_str::<Counted<u8, 2>>(json).map_err(|why| why.to_string());
        let counted = list("[1, 2, \"not a number\", {}]").expect("a list");
        assert_eq!((counted.kept.as_slice(), counted.count, counted.all()), (&[1, 2][..], 4, None));
        assert_eq!(list("[1]").expect("a list").all(), Some(&[1][..]));
        assert!(list("[1, \"x\"]").is_err() && list("7").is_err());
    }
}
