//! Counters and histograms, one for each set of labels.

use std::collections::BTreeMap;

use super::text::Text;

/// Counters by their labels.
pub(super) struct Counters<const LABELS: usize> {
    labels: [&'static str; LABELS],
    counts: BTreeMap<[String; LABELS], u64>,
}

/// Histograms by their labels, all of the same bounds.
pub(super) struct Histograms<const LABELS: usize> {
    labels: [&'static str; LABELS],
    bounds: &'static [f64],
    histograms: BTreeMap<[String; LABELS], Histogram>,
}

/// Values at or below each bound, and all of them.
#[derive(Debug, Clone, PartialEq)]
struct Histogram {
    at_most: Vec<u64>,
    count: u64,
    sum: f64,
}

impl<const LABELS: usize> Counters<LABELS> {
    pub(super) fn new(labels: [&'static str; LABELS]) -> Self {
        Self { labels, counts: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, values: [&str; LABELS]) {
        *self.counts.entry(values.map(str::to_owned)).or_default() += 1;
    }

    pub(super) fn write(&self, text: &mut Text, name: &str, help: &str) {
        text.family(name, "counter", help);
        for (values, count) in &self.counts {
            text.sample(name, &pairs(self.labels, values), count);
        }
    }
}

impl<const LABELS: usize> Histograms<LABELS> {
    pub(super) fn new(labels: [&'static str; LABELS], bounds: &'static [f64]) -> Self {
        Self { labels, bounds, histograms: BTreeMap::new() }
    }

    pub(super) fn observe(&mut self, values: [&str; LABELS], value: f64) {
        let empty = || Histogram { at_most: vec![0; self.bounds.len()], count: 0, sum: 0.0 };
        let histogram = self.histograms.entry(values.map(str::to_owned)).or_insert_with(empty);
        histogram.count += 1;
        histogram.sum += value;
        let reached = histogram.at_most.iter_mut().zip(self.bounds).filter(|(_, bound)| value <= **bound);
        reached.for_each(|(count, _)| *count += 1);
    }

    pub(super) fn write(&self, text: &mut Text, name: &str, help: &str) {
        text.family(name, "histogram", help);
        for (values, histogram) in &self.histograms {
            let labels = pairs(self.labels, values);
            let mut bucket = |bound: &str, count: u64| {
                let labels = [labels.as_slice(), &[("le", bound)]].concat();
                text.sample(&format!("{name}_bucket"), &labels, count);
            };
            for (bound, count) in self.bounds.iter().zip(&histogram.at_most) {
                bucket(&bound.to_string(), *count);
            }
            bucket("+Inf", histogram.count);
            text.sample(&format!("{name}_sum"), &labels, histogram.sum);
            text.sample(&format!("{name}_count"), &labels, histogram.count);
        }
    }
}

fn pairs<'a, const LABELS: usize>(
    names: [&'static str; LABELS],
    values: &'a [String; LABELS],
) -> Vec<(&'static str, &'a str)> {
    names.into_iter().zip(values.iter().map(String::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_what_is_at_most_each_bound() {
        let mut histograms = Histograms::new(["of"], &[1.0, 2.5]);
        for value in [1.0, 2.0, 3.0, 40.0] {
            histograms.observe(["a"], value);
        }
        histograms.observe(["b"], 0.5);
        let mut text = Text::default();
        histograms.write(&mut text, "x", "Help.");
        let text = text.finish();
        let expected = "# HELP x Help.\n# TYPE x histogram\nx_bucket{of=\"a\",le=\"1\"} 1\nx_bucket{of=\"a\",le=\"2.5\"} 2\n\
            x_bucket{of=\"a\",le=\"+Inf\"} 4\nx_sum{of=\"a\"} 46\nx_count{of=\"a\"} 4\n";
        assert!(text.starts_with(expected) && text.ends_with("x_count{of=\"b\"} 1\n"), "{text}");
    }
}
