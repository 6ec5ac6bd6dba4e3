//! The layers as a table, as Keras's `model.summary()` prints it.

use crate::backbone::LayerRow;
use crate::numbers::{megabytes, thousands};

const HEAD: [&str; 4] = ["layer (kind)", "output shape", "parameters", "trained"];
/// Width of the first column at most, so that the table fits 80 columns: a longer kind goes below its name.
const WIDEST: usize = 37;

/// A table of `rows`, blocks ruled off from each other, with totals below; MB are 1024² bytes of f32,
/// as in Keras.
pub fn summary_table(title: &str, rows: &[LayerRow]) -> String {
    let lines: Vec<Vec<[String; 4]>> = rows.iter().map(lines).collect();
    let widths = widths(&lines.concat());
    let mut table = format!("Model: {title}\n{}", rule(&widths, ['┌', '─', '┬', '┐']));
    table += &line(&widths, &HEAD.map(String::from));
    table += &rule(&widths, ['├', '─', '┼', '┤']);
    for (index, lines) in lines.iter().enumerate() {
        if index > 0 && rows[index].block != rows[index - 1].block {
            table += &rule(&widths, ['├', '╌', '┼', '┤']);
        }
        table.extend(lines.iter().map(|cells| line(&widths, cells)));
    }
    table + &rule(&widths, ['└', '─', '┴', '┘']) + &totals(rows)
}

/// A row's line, or two.
fn lines(row: &LayerRow) -> Vec<[String; 4]> {
    let trainable = match (row.parameters, row.trainable) {
        (0, _) => "-",
        (_, true) => "yes",
        (_, false) => "no",
    };
    let whole = format!("{} ({})", row.name, row.kind);
    let numbers = |layer| [layer, row.shape(), thousands(row.parameters), trainable.into()];
    match whole.chars().count() > WIDEST {
        false => vec![numbers(whole)],
        true => {
            let below = [format!("  ({})", row.kind), String::new(), String::new(), String::new()];
            vec![numbers(row.name.clone()), below]
        }
    }
}

fn widths(lines: &[[String; 4]]) -> [usize; 4] {
    let width = |column: usize| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells.chain([HEAD[column].len()]).max().unwrap_or(0)
    };
    [width(0), width(1), width(2), width(3)]
}

fn rule(widths: &[usize; 4], [left, dash, between, right]: [char; 4]) -> String {
    let dashes = widths.map(|width| dash.to_string().repeat(width + 2));
    format!("{left}{}{right}\n", dashes.join(&between.to_string()))
}

/// Text to the left, numbers to the right.
fn line(
    [first, second, third, fourth]: &[usize; 4],
    [layer, output, parameters, trainable]: &[String; 4],
) -> String {
    format!("│ {layer:<first$} │ {output:>second$} │ {parameters:>third$} │ {trainable:<fourth$} │\n")
}

fn totals(rows: &[LayerRow]) -> String {
    let sum = |trainable: bool| -> usize {
        rows.iter().filter(|row| row.trainable == trainable).map(|row| row.parameters).sum()
    };
    let (trainable, frozen) = (sum(true), sum(false));
    let total = thousands(trainable + frozen);
    let line = |name: &str, count: usize| {
        format!(" {name:<21} {:>width$} ({})\n", thousands(count), megabytes(count), width = total.len())
    };
    line("Total parameters:", trainable + frozen)
        + &line("Trainable parameters:", trainable)
        + &line("Frozen parameters:", frozen)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_whole_table() {
        insta::assert_snapshot!(summary_table("vgg16", &sample::vgg16()));
    }

    #[test]
    fn vgg16_reads_as_in_keras() {
        let table = summary_table("vgg16", &sample::vgg16());
        // Keras 3 prints 14,714,688 (56.13 MB) for the trunk and block5; the head adds 6,423,298.
        assert!(table.contains("Total parameters:     21,137,986 (80.64 MB)"), "{table}");
        assert!(table.contains("Frozen parameters:     7,635,264 (29.13 MB)"), "{table}");
        assert!(table.contains("│ block1_conv1 (Conv 3×3, ReLU)"), "{table}");
    }

    #[test]
    fn all_lines_of_the_table_are_equally_wide() {
        let mut long = sample::vgg16();
        long[3].kind = "Squeeze and excite, hard sigmoid".into();
        for rows in [sample::vgg16(), long, vec![]] {
            let table = summary_table("any", &rows);
            let framed = table.lines().filter(|line| line.starts_with(['│', '┌', '├', '└']));
            let widths: std::collections::BTreeSet<usize> = framed.map(|line| line.chars().count()).collect();
            assert_eq!(widths.len(), 1, "{table}");
            assert!(widths.first() <= Some(&80), "{table}");
        }
    }
}
