//! The net as it predicts: a trunk that all members share, a tail for each, the mean of the logits over members and
//! views.

use std::collections::BTreeMap;

use super::builder::Builder;
use super::layers::{Maps, Writer};
use super::{Pixels, views};
use crate::backbone::spec::{Block, Layer, MapShape};
use crate::backbone::weights::Weights;
use crate::classifier::Sealed;

/// What comes out of the net.
pub(super) struct Net {
    /// `[N, classes]`
    pub(super) logits: String,
    /// Maps of the images themselves in the first member, by the number of layers before them.
    pub(super) looks: BTreeMap<usize, Maps>,
    /// What lies within.
    pub(super) inner: Inner,
}

/// The names of what a net reads and gives, where the views of an image still lie behind the images.
#[derive(Debug, Clone)]
pub(super) struct Inner {
    /// `[views · N, 3, size, size]`
    pub(super) input: String,
    pub(super) size: usize,
    /// `[views · N, classes]`
    pub(super) logits: String,
    /// By the number of layers before them.
    pub(super) looks: BTreeMap<usize, String>,
}

/// Writes the net behind `input`, and keeps the maps that the gate looks at.
pub(super) fn write(graph: &mut Builder, sealed: &Sealed, input: &str, pixels: Pixels) -> Net {
    let description = &sealed.description;
    let size = description.preprocess.size;
    let name = input.to_string();
    let input = images(input, size);
    let blocks = description.blocks.split_at(description.cut);
    let layers =
        |blocks: &[Block]| -> Vec<Layer> { blocks.iter().flat_map(|block| block.layers.clone()).collect() };
    let (trunk, tail) = (layers(blocks.0), layers(blocks.1));
    let members = sealed.members();
    let mut looks = Looks::new(sealed);
    let features = through(graph, &members[0], "trunk/", (&trunk, 0), &input, Some(&mut looks));
    let mut each = Vec::new();
    for (number, weights) in members.iter().enumerate() {
        let place = if members.len() == 1 { "tail/".into() } else { format!("member{}/", number + 1) };
        let looks = (number == 0).then_some(&mut looks);
        let end = through(graph, weights, &place, (&tail, trunk.len()), &features, looks);
        each.push(end.as_vector(graph, &place));
    }
    let views = 1 + description.test_views.len();
    let mean = members_mean(graph, &each);
    let inner = Inner {
        input: name,
        size,
        logits: mean.clone(),
        looks: looks.found.iter().map(|(layers, maps)| (*layers, maps.value.clone())).collect(),
    };
    let looks = looks.found.into_iter().map(|(layers, maps)| (layers, first(graph, maps, views, pixels)));
    let looks = looks.collect();
    Net { logits: views_mean(graph, mean, views, description.classes.len()), looks, inner }
}

/// The layers of a net alone.
pub(super) fn trunk(
    graph: &mut Builder,
    weights: &Weights,
    layers: &[Layer],
    (input, size): (&str, usize),
) -> Maps {
    through(graph, weights, "trunk/", (layers, 0), &images(input, size), None)
}

fn images(value: &str, size: usize) -> Maps {
    Maps { value: value.into(), shape: MapShape::new(size, size, 3), is_vector: false }
}

/// Where to look, and what was found there.
struct Looks {
    wanted: Vec<usize>,
    found: BTreeMap<usize, Maps>,
}

impl Looks {
    fn new(sealed: &Sealed) -> Self {
        let gate = sealed.description.gate.iter();
        let wanted = gate.flat_map(|gate| [Some(gate.layers), gate.unusual.map(|unusual| unusual.layers)]);
        Self { wanted: wanted.flatten().collect(), found: BTreeMap::new() }
    }
}

/// Layers one after the other, of which so many lie before the first.
fn through(
    graph: &mut Builder,
    weights: &Weights,
    place: &str,
    (layers, before): (&[Layer], usize),
    input: &Maps,
    mut looks: Option<&mut Looks>,
) -> Maps {
    let mut writer = Writer { graph, weights, place: place.into() };
    let mut maps = input.clone();
    for (number, layer) in layers.iter().enumerate() {
        maps = writer.layer(layer, &maps);
        if let Some(looks) = looks.as_mut().filter(|looks| looks.wanted.contains(&(before + number + 1))) {
            looks.found.insert(before + number + 1, maps.clone());
        }
    }
    maps
}

/// Of the images themselves: views lie behind them.
fn first(graph: &mut Builder, maps: Maps, views: usize, pixels: Pixels) -> Maps {
    if views == 1 {
        return maps;
    }
    let count = views::count(graph, pixels);
    let (start, axis) = (graph.integers("views/start", &[0]), graph.integers("views/axis", &[0]));
    let value = graph.plain("Slice", &[&maps.value, &start, &count, &axis], "views/images");
    Maps { value, ..maps }
}

fn members_mean(graph: &mut Builder, each: &[String]) -> String {
    match each {
        [one] => one.clone(),
        several => {
            let several: Vec<&str> = several.iter().map(String::as_str).collect();
            graph.plain("Mean", &several, "members/mean")
        }
    }
}

/// `[views · N, classes]` to `[N, classes]`, which is called `logits`.
fn views_mean(graph: &mut Builder, logits: String, views: usize, classes: usize) -> String {
    if views == 1 {
        return graph.plain("Identity", &[&logits], "logits");
    }
    let shape = graph.integers("views/shape", &[views as i64, -1, classes as i64]);
    let by_view = graph.node("Reshape", &[&logits, &shape], vec![], "views/logits");
    graph.reduce("ReduceMean", &by_view, 0, false, "logits")
}
