//! From the graph's input to what the net reads: grey levels, the views that are scored besides the image, and the
//! normalisation. Views lie behind the images along the batch, so that the net stands in the graph once.

use super::Pixels;
use super::builder::Builder;
use super::proto::{Attribute, ValueInfo};
use crate::image::{ChannelOrder, Filter, Preprocess, TestView};

/// Red, green and blue.
const CHANNELS: usize = 3;

/// The graph's input, from the outside.
pub(super) fn input(preprocess: &Preprocess, pixels: Pixels) -> ValueInfo {
    let (size, batch) = (Ok(preprocess.size), Err("batch"));
    let axes = match pixels {
        Pixels::Uint8 | Pixels::Float32 => [batch, size, size, Ok(CHANNELS)],
        Pixels::AnySize => [batch, Err("height"), Err("width"), Ok(CHANNELS)],
        Pixels::Tensor => [batch, Ok(CHANNELS), size, size],
    };
    ValueInfo::tensor(pixels.name(), pixels.element(), &axes, pixels.meaning())
}

/// What the net reads, `[(1 + views) · N, 3, size, size]`.
pub(super) fn write(
    graph: &mut Builder,
    preprocess: &Preprocess,
    views: &[TestView],
    pixels: Pixels,
) -> String {
    let levels = levels(graph, preprocess, pixels);
    let mut all = vec![levels.clone()];
    all.extend(views.iter().map(|view| write_view(graph, view, (preprocess.size, pixels), &levels)));
    let all = match all.as_slice() {
        [levels] => levels.clone(),
        several => {
            let several: Vec<&str> = several.iter().map(String::as_str).collect();
            graph.node("Concat", &several, vec![Attribute::integer("axis", 0)], "views/all")
        }
    };
    match pixels {
        Pixels::Uint8 | Pixels::Float32 | Pixels::AnySize => normalised(graph, preprocess, &all),
        Pixels::Tensor => all,
    }
}

/// Grey levels, `[N, 3, size, size]`; of a tensor normalised ones, of which views are made in the same way: what is made of
/// several pixels is their mean, with weights that sum to 1.
fn levels(graph: &mut Builder, preprocess: &Preprocess, pixels: Pixels) -> String {
    let square = match pixels {
        Pixels::Tensor => return pixels.name().to_string(),
        Pixels::Uint8 | Pixels::Float32 => pixels.name().to_string(),
        Pixels::AnySize => resized(graph, preprocess),
    };
    let numbers = match pixels {
        Pixels::Float32 | Pixels::Tensor => square,
        Pixels::Uint8 | Pixels::AnySize => {
            let to = Attribute::integer("to", super::proto::Element::Float32.number().into());
            graph.node("Cast", &[&square], vec![to], "pixels/numbers")
        }
    };
    graph.node("Transpose", &[&numbers], vec![Attribute::integers("perm", &[0, 3, 1, 2])], "pixels/levels")
}

/// Pillow's antialiased resize of whole images to the square, but for single grey levels.
fn resized(graph: &mut Builder, preprocess: &Preprocess) -> String {
    let (count, input) = (count(graph, Pixels::AnySize), Pixels::AnySize.name());
    let size = preprocess.size as i64;
    let square = graph.integers("resize/square", &[size, size, CHANNELS as i64]);
    let axis = vec![Attribute::integer("axis", 0)];
    let sizes = graph.node("Concat", &[&count, &square], axis, "resize/sizes");
    let (mode, slope) = match preprocess.filter {
        Filter::Bilinear => ("linear", None),
        Filter::Bicubic => ("cubic", Some(Attribute::float("cubic_coeff_a", -0.5))),
    };
    let mut attributes = vec![
        Attribute::integer("antialias", 1),
        Attribute::word("coordinate_transformation_mode", "half_pixel"),
        Attribute::integer("exclude_outside", 1),
        Attribute::word("mode", mode),
    ];
    attributes.extend(slope);
    graph.node("Resize", &[input, "", "", &sizes], attributes, "resize")
}

/// Number of images, along one axis.
pub(super) fn count(graph: &mut Builder, pixels: Pixels) -> String {
    let first = vec![Attribute::integer("start", 0), Attribute::integer("end", 1)];
    graph.node("Shape", &[pixels.name()], first, "count")
}

fn write_view(graph: &mut Builder, view: &TestView, (size, pixels): (usize, Pixels), levels: &str) -> String {
    let moved = match view.sources(size) {
        None => levels.to_string(),
        Some(_) if view.only_flips() => flipped(graph, levels),
        Some(sources) => sampled(graph, &sources, (size, pixels), levels),
    };
    match view.taps() {
        None => moved,
        Some(taps) => blurred(graph, &taps, &moved),
    }
}

/// Columns from the last to the first.
fn flipped(graph: &mut Builder, levels: &str) -> String {
    let parts = [("start", -1), ("end", i64::MIN), ("axis", 3), ("step", -1)];
    let parts = parts.map(|(name, value)| graph.integers(&format!("views/flip/{name}"), &[value]));
    let [start, end, axis, step] = &parts;
    graph.plain("Slice", &[levels, start, end, axis, step], "views/flip")
}

/// Values between pixels. ONNX counts from -1, the middle of the first pixel, to 1, the middle of the last.
fn sampled(
    graph: &mut Builder,
    sources: &[[f32; 2]],
    (size, pixels): (usize, Pixels),
    levels: &str,
) -> String {
    let half = (size as f32 - 1.0) / 2.0;
    let grid: Vec<f32> =
        sources.as_flattened().iter().map(|at| if half > 0.0 { at / half - 1.0 } else { 0.0 }).collect();
    let grid = graph.floats("views/grid", &[1, size, size, 2], &grid);
    let (count, side) = (count(graph, pixels), size as i64);
    let rest = graph.integers("views/grid/rest", &[side, side, 2]);
    let shape =
        graph.node("Concat", &[&count, &rest], vec![Attribute::integer("axis", 0)], "views/grid/shape");
    let grids = graph.plain("Expand", &[&grid, &shape], "views/grid/each");
    let attributes = vec![
        Attribute::integer("align_corners", 1),
        Attribute::word("mode", "bilinear"),
        Attribute::word("padding_mode", "border"),
    ];
    graph.node("GridSample", &[levels, &grids], attributes, "views/sampled")
}

/// Along lines first, then along columns; what lies outside is the nearest pixel of the edge.
fn blurred(graph: &mut Builder, taps: &[f32], levels: &str) -> String {
    let (length, reach) = (taps.len(), (taps.len() / 2) as i64);
    let around = graph.integers("views/blur/around", &[0, 0, reach, reach, 0, 0, reach, reach]);
    let edge = vec![Attribute::word("mode", "edge")];
    let wide = graph.node("Pad", &[levels, &around], edge, "views/blur/wide");
    let weights = taps.repeat(CHANNELS);
    let mut along = |maps: &str, [rows, columns]: [usize; 2], name: &str| {
        let weights = graph.floats(&format!("{name}/taps"), &[CHANNELS, 1, rows, columns], &weights);
        let attributes = vec![
            Attribute::integers("kernel_shape", &[rows, columns]),
            Attribute::integer("group", CHANNELS as i64),
        ];
        graph.node("Conv", &[maps, &weights], attributes, name)
    };
    let across = along(&wide, [1, length], "views/blur/across");
    along(&across, [length, 1], "views/blur")
}

/// `(level - mean) / deviation`, in the net's order of channels.
fn normalised(graph: &mut Builder, preprocess: &Preprocess, levels: &str) -> String {
    let ordered = match preprocess.channel_order {
        ChannelOrder::Rgb => levels.to_string(),
        ChannelOrder::Bgr => {
            let order = graph.integers("normalise/order", &[2, 1, 0]);
            let axis = vec![Attribute::integer("axis", 1)];
            graph.node("Gather", &[levels, &order], axis, "normalise/ordered")
        }
    };
    let shape = [1, CHANNELS, 1, 1];
    let mean = graph.floats("normalise/mean", &shape, &preprocess.mean);
    let deviation = graph.floats("normalise/deviation", &shape, &preprocess.deviation);
    let centred = graph.plain("Sub", &[&ordered, &mean], "normalise/centred");
    graph.plain("Div", &[&centred, &deviation], "normalise")
}
