//! A CSV cut into splits while its rows are on disk: memory does not grow with them.

use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::columns::Row;
use super::csv::{Classes, Table, no_row, twice};
use super::exclude::Listed;
use super::groups::no_match;
use super::spill::{Keyed, Spill, Spilled};
use super::split::{Choice, count, rank};
use super::table::{SplitTable, root};
use super::{Grouping, Split, Tally};
use crate::error::{Error, Result};

/// How it is cut; [`Partition`](crate::train::Partition) explains the settings.
pub(crate) struct Cut<'a> {
    pub(crate) file: &'a Path,
    pub(crate) groups: &'a Grouping,
    pub(crate) exclude: Option<&'a Path>,
    pub(crate) resplit: bool,
    pub(crate) fraction: f64,
    pub(crate) seed: u64,
    pub(crate) stop: &'a dyn Fn() -> bool,
}

/// Rows with their splits.
pub(crate) struct Streamed {
    pub(crate) tally: Tally,
    /// How many rows a list left out.
    pub(crate) left_out: usize,
    rows: Spilled,
    /// The folder that their paths are relative to.
    folder: PathBuf,
}

impl Cut<'_> {
    /// Cuts the splits that are missing, with the outcome of [`Dataset::assign_test`](super::Dataset::assign_test) and
    /// [`Dataset::assign_validation`](super::Dataset::assign_validation). The rows stay in the CSV's order.
    ///
    /// # Errors
    /// As [`Dataset::open`](super::Dataset::open); [`Error::Interrupted`]; [`Error::Io`] when there is no room on disk.
    pub(crate) fn run(&self) -> Result<Streamed> {
        let (by_path, total, classes, folder) = self.read()?;
        let (by_group, tally, left_out) = self.check(by_path, classes)?;
        let (by_group, tally) =
            self.assign(by_group, Split::Test, &tally, |row| self.rank(row, Split::Validation))?;
        let in_order = |row: &Keyed| (u128::from(row.number) * (1 << u64::BITS) / u128::from(total)) as u64;
        let (rows, tally) = self.assign(by_group, Split::Validation, &tally, in_order)?;
        Ok(Streamed { tally, left_out, rows, folder })
    }

    fn read(&self) -> Result<(Spilled, u64, Classes, PathBuf)> {
        let (mut rows, mut classes, mut number) = (Spill::new(), Classes::default(), 0);
        let (mut is_matched, mut first) = (false, String::new());
        let folder = Table::open(self.file)?.each(|Row { line, path, label, split, group }, _| {
            let group = match self.groups {
                Grouping::Automatic => group.map(Cow::into_owned),
                pattern => pattern.group(&path).map(Into::into),
            };
            is_matched |= group.is_some();
            if number == 0 {
                first.clone_from(&path);
            }
            let key = rank((None, &path), Split::Train, 0);
            let split = split.filter(|_| !self.resplit);
            rows.add(&Keyed { key, number, line, path, label: classes.number(label), split, group })?;
            number += 1;
            self.go_on()
        })?;
        match self.groups {
            _ if number == 0 => Err(no_row(self.file)),
            Grouping::Pattern(pattern) if !is_matched => Err(no_match(pattern, &first)),
            _ => Ok((rows.finish()?, number, classes, folder)),
        }
    }

    /// No path twice, and none that is to be left out. The rows that stay come in the order in which the test is cut.
    fn check(&self, mut by_path: Spilled, classes: Classes) -> Result<(Spilled, Tally, usize)> {
        let (classes, places) = classes.sorted();
        let mut listed = self.exclude.map(Listed::read).transpose()?;
        let (mut rows, mut tally) = (Spill::new(), Tally::new(classes));
        by_path.each(|same| {
            same.sort_unstable_by(|left, right| (&left.path, left.line).cmp(&(&right.path, right.line)));
            if let Some([first, second]) =
                same.array_windows().find(|[first, second]| first.path == second.path)
            {
                return Err(twice(self.file, &first.path, [first.line, second.line]));
            }
            for row in same {
                if listed.as_mut().is_some_and(|listed| listed.has(&row.path)) {
                    continue;
                }
                row.label = places[row.label];
                tally.add(row.split, row.label);
                row.key = self.rank(row, Split::Test);
                rows.add(row)?;
            }
            self.go_on()
        })?;
        let left_out = listed.map_or(Ok(0), |listed| listed.all_found(self.file))?;
        tally.check(self.file)?;
        Ok((rows.finish()?, tally, left_out))
    }

    /// Cuts `split`, unless there is one, from rows in the order of its ranks, and passes them on with the next key.
    fn assign(
        &self,
        mut rows: Spilled,
        split: Split,
        before: &Tally,
        next: impl Fn(&Keyed) -> u64,
    ) -> Result<(Spilled, Tally)> {
        let trainable =
            |group: &[Keyed]| count(group.iter().filter(|row| row.is_trainable()).map(|row| row.label));
        let mut choice = None;
        if !before.has(split) {
            let all = before.trainable();
            choice = Some(Choice::new(all, self.fraction, |take| {
                rows.each(|group| {
                    take(group[0].key, &trainable(group));
                    self.go_on()
                })
            })?);
        }
        let (mut passed, mut tally) = (Spill::new(), Tally::new(before.classes.clone()));
        rows.each(|group| {
            if let Some(choice) = &mut choice {
                let side = if choice.takes(group[0].key, &trainable(group)) { split } else { Split::Train };
                group.iter_mut().filter(|row| row.is_trainable()).for_each(|row| row.split = Some(side));
            }
            tally.groups += 1;
            tally.shared_groups += usize::from(group.iter().any(|row| row.split != group[0].split));
            for row in group {
                tally.add(row.split, row.label);
                row.key = next(row);
                passed.add(row)?;
            }
            self.go_on()
        })?;
        Ok((passed.finish()?, tally))
    }

    fn rank(&self, row: &Keyed, split: Split) -> u64 {
        rank((row.group.as_deref(), &row.path), split, self.seed)
    }

    fn go_on(&self) -> Result<()> {
        if (self.stop)() { Err(Error::Interrupted) } else { Ok(()) }
    }
}

impl Streamed {
    /// Writes what [`Dataset::write_split`](super::Dataset::write_split) does, but in the CSV's order.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written.
    pub(crate) fn write_split(mut self, to: impl Write, file: &Path) -> Result<()> {
        let mut table = SplitTable::new(to, file, (false, root(Some(&self.folder), file)))?;
        let classes = &self.tally.classes;
        self.rows.each(|rows| {
            let mut rows = rows.iter();
            rows.try_for_each(|row| {
                table.add([&row.path, &classes[row.label]], row.split, row.group.as_deref(), None)
            })
        })?;
        table.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Dataset;
    use super::*;

    /// Rows `path,label,group,split` of which some have no group or no split.
    fn rows() -> impl Strategy<Value = String> {
        let row = (0..3usize, 0..12usize, prop::bool::weighted(0.1));
        (prop::collection::vec(row, 20..200), any::<bool>()).prop_map(|(rows, has_test)| {
            let row = |(number, (label, patient, is_test)): (usize, &(usize, usize, bool))| {
                let group = if patient % 3 == 0 { String::new() } else { format!("p{patient}") };
                let split = if has_test && *is_test { "test" } else { "" };
                format!("images/{number}.png,class{label},{group},{split}\n")
            };
            let rows: String = rows.iter().enumerate().map(row).collect();
            format!("path,label,group,split\n{rows}")
        })
    }

    fn sorted(bytes: Vec<u8>) -> Vec<String> {
        let mut lines: Vec<String> =
            String::from_utf8(bytes).expect("text").lines().map(Into::into).collect();
        lines.sort();
        lines
    }

    fn cut(file: &Path) -> Cut<'_> {
        let (groups, stop) = (&Grouping::Automatic, &|| false);
        Cut { file, groups, exclude: None, resplit: false, fraction: 0.2, seed: 7, stop }
    }

    fn with_file<T>(text: &str, then: impl FnOnce(&Path) -> T) -> T {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("images.csv");
        std::fs::write(&file, text).expect("writes");
        then(&file)
    }

    proptest! {
        #[test]
        fn the_outcome_is_that_of_rows_in_memory(text in rows(), seed: u64, resplit: bool) {
            with_file(&text, |file| {
                let streamed = Cut { resplit, seed, ..cut(file) }.run();
                let dataset = Dataset::open(file).map(|mut dataset| {
                    if resplit {
                        dataset.clear_splits();
                    }
                    if !dataset.has_test() {
                        dataset.assign_test(0.2, seed);
                    }
                    if !dataset.has_validation() {
                        dataset.assign_validation(0.2, seed);
                    }
                    dataset
                });
                let (streamed, dataset) = match (streamed, dataset) {
                    (Ok(streamed), Ok(dataset)) => (streamed, dataset),
                    (streamed, dataset) => {
                        // A given split without a class does not matter when it is cut anew.
                        prop_assert!(dataset.is_err() && (resplit || streamed.is_err()));
                        return Ok(());
                    }
                };
                prop_assert_eq!(&streamed.tally, &dataset.tally());
                let (mut left, mut right) = (Vec::new(), Vec::new());
                streamed.write_split(&mut left, file).expect("writes");
                dataset.write_split(None, &mut right, file).expect("writes");
                prop_assert_eq!(sorted(left), sorted(right));
                Ok(())
            })?;
        }
    }

    #[test]
    fn rows_stay_in_their_order() {
        let rows: Vec<String> = (0..40).rev().map(|row| format!("{row:02}.png,class{}", row % 2)).collect();
        let text = format!("path,label\n{}\n", rows.join("\n"));
        let mut bytes = Vec::new();
        with_file(&text, |file| cut(file).run().expect("cuts").write_split(&mut bytes, file))
            .expect("writes");
        let written = String::from_utf8(bytes).expect("text");
        let paths: Vec<&str> = written.lines().skip(1).map(|line| &line[..13]).collect();
        assert_eq!(paths, rows);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let problem = |text: &str| {
            let found = with_file(text, |file| cut(file).run().map(|_| ()).expect_err("wrong"));
            found.to_string().rsplit("images.csv: ").next().unwrap_or_default().to_string()
        };
        assert_eq!(problem("path,label\n"), "expected a row for each image, found no row");
        assert_eq!(problem("path,label\nx,a\ny,a\n"), "expected at least two classes, found 1 (a)");
        let found = problem("path,label\nx,a\ny,b\nx,b\n");
        assert_eq!(found, "expected each path once, found x in lines 2 and 4");
    }

    #[test]
    fn listed_rows_are_left_out_and_patterns_group() {
        let text: String = (0..60).map(|row| format!("p{}-{row}.png,class{}\n", row / 3, row % 2)).collect();
        with_file(&format!("path,label\n{text}"), |file| {
            let list = file.with_extension("txt");
            std::fs::write(&list, "p0-0.png\np1-3.png\n").expect("writes");
            let groups = Grouping::parse("p[0-9]+").expect("a pattern");
            let streamed = Cut { exclude: Some(&list), groups: &groups, ..cut(file) }.run().expect("cuts");
            assert_eq!((streamed.left_out, streamed.tally.groups, streamed.tally.shared_groups), (2, 20, 0));
            let images: usize = Split::ALL.iter().flat_map(|split| streamed.tally.counts(Some(*split))).sum();
            assert_eq!(images, 58);
            let groups = Grouping::parse("q[0-9]+").expect("a pattern");
            let problem = Cut { groups: &groups, ..cut(file) }.run().map(|_| ()).expect_err("no match");
            assert_eq!(
                problem.to_string(),
                "groups: expected a pattern that fits paths such as p0-0.png, found q[0-9]+"
            );
        });
    }

    #[test]
    fn it_can_be_stopped() {
        let stopped =
            with_file("path,label\nx,a\ny,b\n", |file| Cut { stop: &|| true, ..cut(file) }.run().map(|_| ()));
        assert!(matches!(stopped, Err(Error::Interrupted)));
    }
}
