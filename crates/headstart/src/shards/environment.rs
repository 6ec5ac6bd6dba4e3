//! Which shard a process is, from what Slurm and Kubernetes tell it.

use super::Shard;
use crate::error::{Error, Result};

/// Says how many shards there are, for launchers that do not tell. With it the task's number is the shard's.
const COUNT: &str = "HEADSTART_SHARDS";
const SLURM: &str = "SLURM_ARRAY_TASK_ID";
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";

impl Shard {
    /// The shard that this process is as a task of a Slurm array or of a Kubernetes Indexed Job; `None` outside of both.
    ///
    /// Slurm says how many tasks there are. For Kubernetes, and for a Slurm array of which some tasks alone are started
    /// again, `HEADSTART_SHARDS` does.
    ///
    /// # Errors
    /// [`Error::Usage`] when the variables do not say which shard it is.
    pub fn from_environment() -> Result<Option<Self>> {
        from(|name| std::env::var(name).ok())
    }
}

fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Shard>> {
    let number = |name: &str| variable(name).map(|text| parsed(name, &text)).transpose();
    let (count, slurm, kubernetes) = (number(COUNT)?, number(SLURM)?, number(KUBERNETES)?);
    match (count, slurm, kubernetes) {
        (Some(count), Some(index), _) | (Some(count), None, Some(index)) => {
            Shard::new(index, count).map(Some)
        }
        (None, Some(task), _) => {
            let of = |name: &str, default| number(name).map(|found| found.unwrap_or(default));
            let tasks = of("SLURM_ARRAY_TASK_COUNT", 0)?;
            let [first, step] = [of("SLURM_ARRAY_TASK_MIN", 0)?, of("SLURM_ARRAY_TASK_STEP", 1)?.max(1)];
            let last = of("SLURM_ARRAY_TASK_MAX", task)?;
            of_array(task, [first, last, step], tasks).map(Some)
        }
        (None, None, Some(_)) => {
            Err(Error::Usage(format!("{KUBERNETES} is set: set {COUNT} to the number of shards, too")))
        }
        (Some(_), None, None) | (None, None, None) => Ok(None),
    }
}

/// A task of the array `first-last:step`, which must have all of them: a part of an array, started again, would else be
/// taken for the whole.
fn of_array(task: u64, [first, last, step]: [u64; 3], tasks: u64) -> Result<Shard> {
    let is_whole = task >= first && last >= task && (last - first) / step + 1 == tasks;
    match is_whole && (task - first).is_multiple_of(step) {
        true => Shard::new((task - first) / step, tasks),
        false => Err(Error::Usage(format!(
            "the Slurm array has {tasks} tasks between {first} and {last}, with gaps: set {COUNT} to the number of shards, and \
             {SLURM} is the shard's number"
        ))),
    }
}

fn parsed(name: &str, text: &str) -> Result<u64> {
    text.parse().map_err(|_| Error::Usage(format!("{name}: expected a whole number, found {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let get = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string())
        };
        from(get).map(|shard| shard.map(|shard| shard.to_string())).map_err(|why| why.to_string())
    }

    fn array(task: &str, [first, last, step]: [&str; 3], count: &str) -> Result<Option<String>, String> {
        shard(&[
            (SLURM, task),
            ("SLURM_ARRAY_TASK_MIN", first),
            ("SLURM_ARRAY_TASK_MAX", last),
            ("SLURM_ARRAY_TASK_STEP", step),
            ("SLURM_ARRAY_TASK_COUNT", count),
        ])
    }

    #[test]
    fn an_array_may_begin_anywhere_and_have_steps() {
        assert_eq!(array("3", ["0", "7", "1"], "8"), Ok(Some("3/8".into())));
        assert_eq!(array("8", ["1", "8", "1"], "8"), Ok(Some("7/8".into())));
        assert_eq!(array("14", ["10", "18", "4"], "3"), Ok(Some("1/3".into())));
    }

    #[test]
    fn a_part_of_an_array_is_not_taken_for_the_whole() {
        let found = array("5", ["3", "5", "1"], "2").expect_err("gaps");
        assert!(found.contains("set HEADSTART_SHARDS"), "{found}");
        assert_eq!(
            shard(&[(SLURM, "5"), ("SLURM_ARRAY_TASK_COUNT", "2"), (COUNT, "8")]),
            Ok(Some("5/8".into()))
        );
    }

    #[test]
    fn kubernetes_needs_to_be_told_the_number() {
        assert_eq!(shard(&[(KUBERNETES, "2"), (COUNT, "5")]), Ok(Some("2/5".into())));
        assert!(shard(&[(KUBERNETES, "2")]).expect_err("no count").contains("HEADSTART_SHARDS"));
        assert!(shard(&[(KUBERNETES, "5"), (COUNT, "5")]).expect_err("too many").contains("5/5"));
        assert_eq!(shard(&[(COUNT, "x")]), Err("HEADSTART_SHARDS: expected a whole number, found x".into()));
        assert_eq!(shard(&[]), Ok(None));
    }
}
