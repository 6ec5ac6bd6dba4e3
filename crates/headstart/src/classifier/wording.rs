//! What people read of a model besides its numbers: its title, its caution, how its classes are called.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What every answer about a medical image comes with, unless the recipe says it otherwise.
pub const CAUTION: &str = "This is a statistical estimate from one image, not a diagnosis. It may be wrong, above all on \
    images unlike those it was trained on. Let a qualified person decide.";
/// What every answer about another image comes with, unless the recipe says it otherwise.
pub const PLAIN_CAUTION: &str = "This is a statistical estimate from one image. It may be wrong, above all on images \
    unlike those it was trained on.";

/// The longest title or name of a class, in characters: a page's heading.
const LONGEST_NAME: usize = 200;
/// The longest caution, in characters: it stays in view beside every answer.
const LONGEST_CAUTION: usize = 1000;

/// What people read of a model: the table `[card]` of a recipe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wording {
    /// What the model tells apart, in a few words. If not given, its classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What every answer comes with. If not given, `medical` decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caution: Option<String>,
    /// Whether the images are medical, so that no answer is to be taken for a diagnosis. If not given, they are
    /// taken for medical when most are grey, as X-rays are, or when one is a DICOM file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medical: Option<bool>,
    /// How a class is called where people read of it, by its name in the data. If not given, as in the data.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, String>,
}

impl Wording {
    /// Whether nothing is given.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Checks the texts' lengths.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the setting.
    pub fn check(&self) -> Result<()> {
        let names = self.classes.iter().map(|(class, name)| (format!("card.classes.{class}"), name));
        let title = self.title.iter().map(|title| ("card.title".to_owned(), title));
        for (setting, text) in names.chain(title) {
            check_length(&setting, text, LONGEST_NAME)?;
        }
        self.caution.as_ref().map_or(Ok(()), |text| check_length("card.caution", text, LONGEST_CAUTION))
    }

    /// Checks that the names are those of `classes`, and differ.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the class.
    pub fn check_classes(&self, classes: &[String]) -> Result<()> {
        if let Some(other) = self.classes.keys().find(|class| !classes.contains(class)) {
            let known = classes.join(", ");
            return Err(Error::Usage(format!("card.classes: expected one of {known}, found {other}")));
        }
        let mut seen = BTreeSet::new();
        match self.names(classes).into_iter().find(|name| !seen.insert(name.clone())) {
            Some(twice) => Err(Error::Usage(format!(
                "card.classes: expected a name of its own for each class, found {twice} twice"
            ))),
            None => Ok(()),
        }
    }

    /// The same with its caution filled in.
    pub(crate) fn resolved(&self, seem_medical: bool) -> Self {
        let usual = if self.medical.unwrap_or(seem_medical) { CAUTION } else { PLAIN_CAUTION };
        Self { caution: Some(self.caution.clone().unwrap_or_else(|| usual.to_owned())), ..self.clone() }
    }

    /// How the classes are called, in their order.
    pub(crate) fn names(&self, classes: &[String]) -> Vec<String> {
        classes.iter().map(|class| self.classes.get(class).unwrap_or(class).clone()).collect()
    }
}

fn check_length(setting: &str, text: &str, most: usize) -> Result<()> {
    match text.chars().count() {
        length if (1..=most).contains(&length) && !text.trim().is_empty() => Ok(()),
        length => Err(Error::Usage(format!("{setting}: expected 1 to {most} characters, found {length}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Wording {
        toml::from_str(text).expect("a table")
    }

    #[test]
    fn medical_images_get_their_caution_unless_the_recipe_has_one() {
        let caution = |text: &str, seem_medical| parsed(text).resolved(seem_medical).caution;
        assert_eq!(caution("", true).as_deref(), Some(CAUTION));
        assert_eq!(caution("", false).as_deref(), Some(PLAIN_CAUTION));
        assert_eq!(caution("medical = true", false).as_deref(), Some(CAUTION));
        assert_eq!(caution("medical = false", true).as_deref(), Some(PLAIN_CAUTION));
        assert_eq!(caution("caution = 'Ask a vet.'", true).as_deref(), Some("Ask a vet."));
    }

    #[test]
    fn a_name_is_for_a_class_and_for_one_only() {
        let classes = ["NORMAL", "PNEUMONIA"].map(String::from);
        let wording = parsed("classes = { NORMAL = 'no pneumonia' }");
        assert_eq!(wording.names(&classes), ["no pneumonia", "PNEUMONIA"]);
        assert!(wording.check_classes(&classes).is_ok());
        let error = |text: &str| parsed(text).check_classes(&classes).expect_err("wrong").to_string();
        let other = error("classes = { normal = 'no pneumonia' }");
        assert_eq!(other, "card.classes: expected one of NORMAL, PNEUMONIA, found normal");
        let twice = error("classes = { NORMAL = 'PNEUMONIA' }");
        assert!(twice.ends_with("found PNEUMONIA twice"), "{twice}");
    }

    #[test]
    fn an_empty_or_endless_text_is_refused() {
        assert!(parsed("title = ' '").check().is_err());
        let long = format!("caution = '{}'", "x".repeat(1001));
        let error = parsed(&long).check().expect_err("too long").to_string();
        assert_eq!(error, "card.caution: expected 1 to 1000 characters, found 1001");
    }
}
