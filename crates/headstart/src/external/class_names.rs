//! The classes of a data set from elsewhere as those of a model.

use std::path::Path;

use crate::error::{Error, Result};

/// For each of the data's classes the model's class: as `given` says (`THEIRS=OURS`), by the same letters and
/// digits in any case, or in order where both are numbered.
///
/// # Errors
/// [`Error::Setting`] when a class has no counterpart, and for a pair that names an unknown class; [`Error::Invalid`] when
/// two classes have the same counterpart.
pub(crate) fn map_classes(
    data: &Path,
    theirs: &[String],
    ours: &[String],
    given: &[String],
) -> Result<Vec<usize>> {
    let pairs = given.iter().map(|pair| parse(pair, theirs, ours)).collect::<Result<Vec<_>>>()?;
    let numbered = theirs.len() == ours.len()
        && theirs.iter().enumerate().all(|(index, name)| *name == index.to_string());
    let map = |(index, name): (usize, &String)| {
        let asked = pairs.iter().find(|(their, _)| *their == index).map(|(_, our)| *our);
        let alike = || ours.iter().position(|our| plain(our) == plain(name));
        asked.or_else(alike).or(numbered.then_some(index)).ok_or_else(|| {
            let (data, ours) = (data.display(), ours.join(", "));
            let expected = format!("{name}=OURS, with one of the model's classes {ours}");
            Error::setting("classes", expected, format!("nothing for the class {name} of {data}"))
        })
    };
    let mapped = theirs.iter().enumerate().map(map).collect::<Result<Vec<usize>>>()?;
    for (index, our) in mapped.iter().enumerate() {
        if let Some(earlier) = mapped[..index].iter().position(|other| other == our) {
            let found = format!("{} and {} as {}", theirs[earlier], theirs[index], ours[*our]);
            return Err(Error::invalid(data, "a class of the model for each class", found));
        }
    }
    Ok(mapped)
}

fn parse(pair: &str, theirs: &[String], ours: &[String]) -> Result<(usize, usize)> {
    let place = |names: &[String], name: &str| names.iter().position(|known| known == name);
    let found =
        pair.split_once('=').and_then(|(their, our)| Some((place(theirs, their)?, place(ours, our)?)));
    found.ok_or_else(|| {
        let (theirs, ours) = (theirs.join(", "), ours.join(", "));
        Error::setting("classes", format!("THEIRS=OURS of {theirs} and {ours}"), pair)
    })
}

/// Letters and digits in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(theirs: &[&str], given: &[&str]) -> Result<Vec<usize>, String> {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let ours = owned(&["NORMAL", "PNEUMONIA"]);
        map_classes(Path::new("d"), &owned(theirs), &ours, &owned(given)).map_err(|why| why.to_string())
    }

    #[test]
    fn names_are_matched() {
        assert_eq!(map(&["normal", "pneumonia"], &[]), Ok(vec![0, 1]));
        assert_eq!(map(&["Pneumonia ", "normal_"], &[]), Ok(vec![1, 0]));
        assert_eq!(map(&["0", "1"], &[]), Ok(vec![0, 1]));
        assert_eq!(map(&["healthy", "ill"], &["ill=PNEUMONIA", "healthy=NORMAL"]), Ok(vec![0, 1]));
        assert_eq!(map(&["no finding", "Pneumonia"], &["no finding=NORMAL"]), Ok(vec![0, 1]));
    }

    #[test]
    fn what_cannot_be_matched_is_named() {
        let problem = map(&["normal", "covid"], &[]).expect_err("unknown");
        assert!(
            problem.contains("expected covid=OURS") && problem.ends_with("the class covid of d"),
            "{problem}"
        );
        assert!(map(&["normal", "Normal"], &[]).expect_err("twice").contains("normal and Normal as NORMAL"));
        assert!(map(&["normal", "x"], &["y=NORMAL"]).expect_err("unknown").contains("found y=NORMAL"));
    }
}
