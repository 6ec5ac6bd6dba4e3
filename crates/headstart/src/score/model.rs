//! What a model says of each image, as columns of a part, and what a part's footer says of the model.

use std::io::Write;

use parquet::basic::{Repetition, Type as Physical};
use parquet::data_type::{BoolType, DoubleType, FloatType};
use parquet::schema::types::TypePtr;
use serde::Serialize;

use crate::classifier::{Answer, Classifier, Verdict, VerdictCounts};
use crate::error::Result;
use crate::evaluate::Reference;
use crate::shards::{ColumnResult, ColumnsReader, ColumnsWriter, Footer, Kind, Maker, column, known, wrong};

/// A model, by its file, and what summing up needs of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Model {
    /// SHA-256 of the model's file.
    pub(super) digest: String,
    pub(super) classes: Vec<String>,
    pub(super) positive: usize,
    /// What was measured of the model's validation images.
    pub(super) reference: Option<Reference>,
    /// Verdicts of those; `None` in parts of older models.
    pub(super) verdicts: Option<VerdictCounts>,
}

impl Model {
    pub(super) fn new(classifier: &Classifier, digest: String) -> Self {
        Self {
            digest,
            classes: classifier.classes().to_vec(),
            positive: classifier.positive(),
            reference: classifier.description().reference.clone(),
            verdicts: classifier.description().verdicts,
        }
    }
}

/// What a model says of an image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scored {
    /// The class that is the answer; `None` where the model gives none.
    pub(super) class: Option<String>,
    pub(super) scores: Vec<f32>,
    pub(super) distance: Option<f64>,
    pub(super) verdict: Verdict,
    pub(super) oddness: Option<f64>,
    /// `None` where the model cannot tell.
    pub(super) unusual: Option<bool>,
}

impl From<Answer> for Scored {
    fn from(answer: Answer) -> Self {
        Self {
            class: answer.decided_class().map(str::to_owned),
            distance: answer.distance,
            verdict: answer.verdict,
            oddness: answer.oddness,
            unusual: answer.oddness.map(|_| answer.unusual),
            scores: answer.scores,
        }
    }
}

impl Maker for Model {
    type Value = Scored;
    const KIND: Kind = Kind::Scores;
    const REPEATED: &'static [&'static str] = &["class", "verdict"];

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let always = [
            ("model", self.digest.clone()),
            ("classes", to_json(&self.classes)),
            ("positive", self.positive.to_string()),
            ("reference", to_json(&self.reference)),
        ];
        let verdicts = self.verdicts.map(|verdicts| ("verdicts", to_json(&verdicts)));
        always.into_iter().chain(verdicts).collect()
    }

    fn read(footer: &Footer<'_>) -> Result<Self> {
        Ok(Self {
            digest: footer.required("model")?.to_owned(),
            classes: footer.json("classes")?,
            positive: footer.parsed("positive")?,
            reference: footer.json("reference")?,
            verdicts: footer.text("verdicts").map(|_| footer.json("verdicts")).transpose()?,
        })
    }

    fn identity(&self) -> Vec<(&'static str, String)> {
        vec![("model with SHA-256", self.digest.clone())]
    }

    fn columns(&self) -> ColumnResult<Vec<TypePtr>> {
        let maybe = |name: &str, kind| column(name, kind, Repetition::OPTIONAL);
        let mut fields = vec![maybe("class", Physical::BYTE_ARRAY)?];
        for class in &self.classes {
            fields.push(maybe(&format!("score_{class}"), Physical::FLOAT)?);
        }
        fields.push(maybe("distance", Physical::DOUBLE)?);
        fields.push(maybe("verdict", Physical::BYTE_ARRAY)?);
        fields.push(maybe("oddness", Physical::DOUBLE)?);
        fields.push(maybe("unusual", Physical::BOOLEAN)?);
        Ok(fields)
    }

    fn write<W: Write + Send>(
        &self,
        values: &[Option<&Scored>],
        columns: &mut ColumnsWriter<'_, W>,
    ) -> ColumnResult<()> {
        columns.text(values.iter().map(|scored| (*scored)?.class.as_deref()))?;
        for class in 0..self.classes.len() {
            let scores = values.iter().map(|scored| Some((*scored)?.scores[class]));
            columns.optional::<FloatType>(scores.collect())?;
        }
        columns.optional::<DoubleType>(values.iter().map(|scored| (*scored)?.distance).collect())?;
        columns.text(values.iter().map(|scored| Some((*scored)?.verdict.word())))?;
        columns.optional::<DoubleType>(values.iter().map(|scored| (*scored)?.oddness).collect())?;
        columns.optional::<BoolType>(values.iter().map(|scored| (*scored)?.unusual).collect())
    }

    fn values(&self, columns: &mut ColumnsReader<'_>) -> ColumnResult<Vec<Option<Scored>>> {
        let mut class = columns.text()?;
        let of_class = self.classes.iter().map(|_| columns.optional::<FloatType>());
        let scores = of_class.collect::<ColumnResult<Vec<_>>>()?;
        let (distance, verdict) = (columns.optional::<DoubleType>()?, columns.text()?);
        let (oddness, unusual) = (columns.optional::<DoubleType>()?, columns.optional::<BoolType>()?);
        let scored = |(row, word): (usize, Option<String>)| {
            let Some(word) = word else { return Ok(None) };
            let scores = scores.iter().map(|column| column[row]).collect::<Option<_>>();
            Ok(Some(Scored {
                class: class[row].take(),
                scores: scores.ok_or_else(|| wrong("a score for each class"))?,
                distance: distance[row],
                verdict: known(&Verdict::ALL, |verdict| verdict.word(), &word, "a verdict")?,
                oddness: oddness[row],
                unusual: unusual[row],
            }))
        };
        verdict.into_iter().enumerate().map(scored).collect()
    }
}

/// Plain values as JSON.
fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("names and numbers can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shards::tests::{assert_come_back, assert_damage_is_an_error, read_without};
    use crate::shards::{Record, Status};

    fn record(number: usize) -> Record<Scored> {
        let path = format!("images/{number}.png");
        if number % 7 == 3 {
            let reason = Some("empty file".into());
            return Record { path, sha256: None, status: Status::Unusable, reason, value: None };
        }
        let scored = Scored {
            class: number.is_multiple_of(3).then(|| "ä b".into()),
            scores: vec![number as f32 / 9.0, f32::MIN_POSITIVE],
            distance: Some(number as f64 / 7.0),
            verdict: Verdict::ALL[number % 3],
            oddness: number.is_multiple_of(2).then_some(1.5),
            unusual: number.is_multiple_of(2).then_some(number.is_multiple_of(4)),
        };
        let sha256 = Some(format!("{number:064x}"));
        Record { path, sha256, status: Status::Ok, reason: None, value: Some(scored) }
    }

    fn model() -> Model {
        let classes = vec!["ä b".into(), "c".into()];
        Model { digest: "m".repeat(64), classes, positive: 1, reference: None, verdicts: None }
    }

    #[test]
    fn records_come_back_as_they_were_over_several_row_groups() {
        assert_come_back(&model(), record);
    }

    #[test]
    fn a_damaged_part_is_an_error_or_readable() {
        assert_damage_is_an_error(&model(), record);
    }

    #[test]
    fn a_part_of_an_older_version_does_not_say_what_it_holds() {
        assert_eq!(read_without(&model(), "kind").expect("scores"), model());
        let why = read_without(&model(), "model").expect_err("no model").to_string();
        assert_eq!(
            why,
            "part: expected a table that headstart score wrote, found no headstart.model in its footer"
        );
    }
}
