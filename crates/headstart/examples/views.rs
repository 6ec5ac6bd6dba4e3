//! Draws what each setting of `[augment]` does to an image at the ends of a range: a sheet `views.svg`, and the pictures on
//! it. `cargo run --release -p headstart --example views -- IMAGE FOLDER`

use std::path::Path;

use headstart::image::{
    Augment, ChannelOrder, Filter, Image, Limits, Preprocess, Resize, Setting, Stylist, decode, encode_png,
};

/// Pixels of a picture's side.
const SIDE: usize = 120;
/// A picture, a setting, and its two ends in words.
type Row = (&'static str, fn(f32) -> Augment, [f32; 2]);

fn only(value: f32) -> Option<Setting> {
    Some(Setting::always(value, value))
}

const ROWS: [Row; 12] = [
    ("area", |value| Augment { area: only(value), ..Augment::default() }, [0.6, 1.0]),
    ("aspect", |value| Augment { aspect: only(value), area: only(0.65), ..Augment::default() }, [0.67, 1.5]),
    ("rotation", |value| Augment { rotation: only(value), ..Augment::default() }, [-8.0, 8.0]),
    ("shift", |value| Augment { shift: only(value), ..Augment::default() }, [-0.1, 0.1]),
    ("scale", |value| Augment { scale: only(value), ..Augment::default() }, [-0.15, 0.15]),
    ("gamma", |value| Augment { gamma: only(value), ..Augment::default() }, [0.67, 1.5]),
    ("contrast", |value| Augment { contrast: only(value), ..Augment::default() }, [-0.33, 0.5]),
    ("brightness", |value| Augment { brightness: only(value), ..Augment::default() }, [-0.1, 0.1]),
    ("resolution", |value| Augment { resolution: only(value), ..Augment::default() }, [0.3, 0.9]),
    ("blur", |value| Augment { blur: only(value), ..Augment::default() }, [0.3, 2.0]),
    ("sharpen", |value| Augment { sharpen: only(value), ..Augment::default() }, [0.5, 2.0]),
    ("jpeg", |value| Augment { jpeg: only(value), ..Augment::default() }, [10.0, 95.0]),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [image, folder] = arguments.as_slice() else { return Err("expected an image and a folder".into()) };
    let image = decode(&std::fs::read(image)?, &Limits::default())?;
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder)?;
    let preprocess = Preprocess {
        size: SIDE,
        resize: Resize::Squash,
        filter: Filter::Bilinear,
        channel_order: ChannelOrder::Rgb,
        mean: [0.0; 3],
        deviation: [1.0; 3],
    };
    let (width, height) = (3 * (SIDE + 10) + 30, SIDE + 34);
    let mut sheet = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        width * 2,
        height * ROWS.len().div_ceil(2)
    );
    for (number, (name, augment, [least, most])) in ROWS.iter().enumerate() {
        let (left, top) = (number % 2 * width + 12, number / 2 * height + 26);
        sheet += &format!("<text x=\"{left}\" y=\"{}\" font-weight=\"bold\">{name}</text>\n", top - 8);
        for (column, value) in [Some(*least), None, Some(*most)].into_iter().enumerate() {
            let settings = value.map_or_else(Augment::default, augment);
            let levels = Stylist::new(settings).style(&[7; 32], 1).apply(&preprocess, &image);
            let pixels = levels.iter().map(|level| level.round() as u8).collect();
            let file = format!("{name}-{column}.png");
            std::fs::write(folder.join(&file), encode_png(&Image::from_rgb8(SIDE, SIDE, pixels)))?;
            let x = left + column * (SIDE + 10);
            let label = value.map_or("as it is".into(), |value| value.to_string());
            sheet += &format!(
                "<image x=\"{x}\" y=\"{top}\" width=\"{SIDE}\" height=\"{SIDE}\" href=\"{file}\"/>\n\
                 <text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#52606d\">{label}</text>\n",
                x + SIDE,
                top - 8
            );
        }
    }
    std::fs::write(folder.join("views.svg"), sheet + "</svg>\n")?;
    Ok(())
}
