//! The patient that a file name of the chest X-ray collection (Kermany et al. 2018) tells.

/// `person12_virus_3.jpeg` is of `person12`, `IM-0115-0001.jpeg` of `IM-0115`. `NORMAL2-IM-0115-0001.jpeg`
/// is of `NORMAL2-IM-0115`, because the numbers of that series start anew. Other names tell nothing.
pub(super) fn patient(file_name: &str) -> Option<String> {
    person(file_name).or_else(|| series(file_name)).map(str::to_string)
}

/// `personN` before `_`.
fn person(name: &str) -> Option<&str> {
    let digits = leading_digits(name.strip_prefix("person")?);
    let end = "person".len() + digits;
    (digits > 0 && name[end..].starts_with('_')).then(|| &name[..end])
}

/// `IM-NNNN` or `NORMAL2-IM-NNNN` before `-`.
fn series(name: &str) -> Option<&str> {
    let prefix = ["IM-", "NORMAL2-IM-"].into_iter().find(|prefix| name.starts_with(prefix))?;
    let digits = leading_digits(&name[prefix.len()..]);
    let end = prefix.len() + digits;
    (digits > 0 && name[end..].starts_with('-')).then(|| &name[..end])
}

fn leading_digits(text: &str) -> usize {
    text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::patient;

    #[test]
    fn patients_are_read_from_names() {
        assert_eq!(patient("person1000_bacteria_2931.jpeg").as_deref(), Some("person1000"));
        assert_eq!(patient("person1000_virus_1.jpeg").as_deref(), Some("person1000"));
        assert_eq!(patient("IM-0115-0001.jpeg").as_deref(), Some("IM-0115"));
        assert_eq!(patient("NORMAL2-IM-0115-0001-0002.jpeg").as_deref(), Some("NORMAL2-IM-0115"));
    }

    #[test]
    fn other_names_tell_nothing() {
        for name in [
            "holiday.jpeg",
            "personal_1.jpeg",
            "person_1.jpeg",
            "person12.jpeg",
            "IM-.jpeg",
            "SIM-1-2.jpeg",
            "",
        ] {
            assert_eq!(patient(name), None, "{name}");
        }
    }
}
