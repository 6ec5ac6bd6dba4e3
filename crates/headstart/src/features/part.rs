//! Features as a column of a part, and what a part's footer says of the backbone that they come from.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::schema::types::{Type, TypePtr};
use serde::Serialize;

use super::Extractor;
use super::arrow_schema::{self, Column, arrow_schema};
use crate::backbone::Backbone;
use crate::error::Result;
use crate::shards::{
    ColumnResult, ColumnsReader, ColumnsWriter, Footer, Kind, Maker, Record, Sum, Tally, column,
};

/// The column of features.
const FEATURES: &str = "features";
/// Numbers of a row group at most, about: 8 MB, whatever the shape. The footer has some 6 kB for each group, which memory holds
/// until the part is finished.
const VALUES: usize = 1 << 21;
/// Rows of one at most.
const ROWS: usize = 8192;

/// Which features a part holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeaturesOf {
    /// Name of the backbone.
    pub backbone: String,
    /// SHA-256 of the trunk's weights.
    pub weights: String,
    /// Where the backbone is cut: the first block that is left out, or `none` where none is.
    pub cut: String,
    /// Width and height of the backbone's input, in pixels.
    pub image_size: usize,
    /// Shape of one image's features: `[C, H, W]`, or `[C]` of their means over height and width.
    pub shape: Vec<usize>,
    /// Names the trunk with its preprocessing.
    pub trunk: String,
}

impl FeaturesOf {
    pub(super) fn new(backbone: &Backbone, cut: usize, extractor: &Extractor, pooled: bool) -> Self {
        let map = extractor.output();
        Self {
            backbone: backbone.spec.name.clone(),
            weights: backbone.weights.digest(backbone.spec.layers(0..cut)),
            cut: backbone.spec.blocks.get(cut).map_or("none".into(), |block| block.name.clone()),
            image_size: extractor.input().width,
            shape: if pooled { vec![map.channels] } else { vec![map.channels, map.height, map.width] },
            trunk: extractor.key().to_owned(),
        }
    }

    /// Values of one image.
    fn length(&self) -> usize {
        self.shape.iter().product()
    }

    fn sides(&self) -> String {
        self.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
    }
}

impl Maker for FeaturesOf {
    type Value = Vec<f32>;
    const KIND: Kind = Kind::Features;
    const REPEATED: &'static [&'static str] = &[];

    fn pairs(&self) -> Vec<(&'static str, String)> {
        vec![
            ("backbone", self.backbone.clone()),
            ("weights", self.weights.clone()),
            ("cut", self.cut.clone()),
            ("image_size", self.image_size.to_string()),
            ("shape", self.sides()),
            ("trunk", self.trunk.clone()),
        ]
    }

    fn read(footer: &Footer<'_>) -> Result<Self> {
        let sides =
            footer.required("shape")?.split(',').map(|side| side.parse().ok().filter(|side| *side > 0));
        let shape: Vec<usize> = sides.collect::<Option<_>>().ok_or_else(|| footer.missing("shape"))?;
        // What Arrow's lists can hold; so lengths are safe to multiply and to ask memory for.
        let values = shape.iter().try_fold(1_usize, |all, side| all.checked_mul(*side));
        values.filter(|values| i32::try_from(*values).is_ok()).ok_or_else(|| footer.missing("shape"))?;
        Ok(Self {
            backbone: footer.required("backbone")?.to_owned(),
            weights: footer.required("weights")?.to_owned(),
            cut: footer.required("cut")?.to_owned(),
            image_size: footer.parsed("image_size")?,
            shape,
            trunk: footer.required("trunk")?.to_owned(),
        })
    }

    fn identity(&self) -> Vec<(&'static str, String)> {
        vec![
            ("backbone", self.backbone.clone()),
            ("cut", self.cut.clone()),
            ("image size", self.image_size.to_string()),
            ("shape", self.sides()),
            ("weights with SHA-256", self.weights.clone()),
            ("trunk", self.trunk.clone()),
        ]
    }

    fn columns(&self) -> ColumnResult<Vec<TypePtr>> {
        let element = column("element", Physical::FLOAT, Repetition::REQUIRED)?;
        let list = Type::group_type_builder("list").with_repetition(Repetition::REPEATED);
        let list = list.with_fields(vec![element]).build()?;
        let features = Type::group_type_builder(FEATURES).with_repetition(Repetition::OPTIONAL);
        let features =
            features.with_logical_type(Some(LogicalType::List)).with_converted_type(ConvertedType::LIST);
        Ok(vec![Arc::new(features.with_fields(vec![Arc::new(list)]).build()?)])
    }

    fn write<W: Write + Send>(
        &self,
        values: &[Option<&Vec<f32>>],
        columns: &mut ColumnsWriter<'_, W>,
    ) -> ColumnResult<()> {
        columns.lists(values)
    }

    fn values(&self, columns: &mut ColumnsReader<'_>) -> ColumnResult<Vec<Option<Vec<f32>>>> {
        columns.lists(self.length())
    }

    fn fill_group(&self, rows: usize, values: usize) -> bool {
        rows >= ROWS || values * self.length() >= VALUES
    }

    fn for_others(&self) -> BTreeMap<&'static str, String> {
        let text = |name, nullable| Column { name, nullable, length: None };
        let features = Column { name: FEATURES, nullable: true, length: Some(self.length()) };
        let columns = [
            text("path", false),
            text("sha256", true),
            text("status", false),
            text("reason", true),
            features,
        ];
        [(arrow_schema::KEY, arrow_schema(&columns))].into()
    }
}

/// What a merged table of features comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeaturesSummary {
    /// Which features they are.
    #[serde(flatten)]
    pub features: FeaturesOf,
    /// Where they come from, and what became of the rows.
    #[serde(flatten)]
    pub tally: Tally,
}

/// Nothing of features is summed up but their rows.
impl Sum<Vec<f32>> for FeaturesOf {
    type Summary = FeaturesSummary;

    fn add(&mut self, _: &Record<Vec<f32>>) {}

    fn finish(self, tally: Tally) -> FeaturesSummary {
        FeaturesSummary { features: self, tally }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shards::Status;
    use crate::shards::tests::{assert_come_back, assert_damage_is_an_error, read_without};

    fn features_of(shape: &[usize]) -> FeaturesOf {
        FeaturesOf {
            backbone: "vgg16".into(),
            weights: "w".repeat(64),
            cut: "block5".into(),
            image_size: 224,
            shape: shape.to_vec(),
            trunk: "vgg16-1".into(),
        }
    }

    fn record(length: usize, number: usize) -> Record<Vec<f32>> {
        let path = format!("images/{number}.png");
        if number % 7 == 3 {
            let reason = Some("empty file".into());
            return Record { path, sha256: None, status: Status::Unusable, reason, value: None };
        }
        let value = (0..length).map(|place| (number * length + place) as f32 / 9.0).collect();
        let sha256 = Some(format!("{number:064x}"));
        Record { path, sha256, status: Status::Ok, reason: None, value: Some(value) }
    }

    #[test]
    fn records_come_back_as_they_were_over_several_row_groups() {
        assert_come_back(&features_of(&[3]), |number| record(3, number));
        let maps = features_of(&[512, 32, 32]);
        assert!(maps.fill_group(4, 4) && !maps.fill_group(400, 3), "memory holds few large maps");
        assert_come_back(&maps, |number| record(512 * 32 * 32, number));
    }

    #[test]
    fn a_damaged_part_is_an_error_or_readable() {
        assert_damage_is_an_error(&features_of(&[2, 1, 1]), |number| record(2, number));
    }

    #[test]
    fn what_is_no_part_of_features_is_named() {
        let why = |key| read_without(&features_of(&[3]), key).expect_err("no features").to_string();
        assert_eq!(
            why("kind"),
            "part: expected a table that headstart features wrote, found one that headstart score wrote"
        );
        assert!(why("shape").ends_with("found no headstart.shape in its footer"));
        let impossible = features_of(&[usize::MAX, 3]);
        assert!(read_without(&impossible, "").is_err());
    }
}
