//! What belongs together when some pairs do: union-find with path halving (Tarjan & van Leeuwen 1984).

/// Items that are joined pair by pair.
#[derive(Debug, Clone)]
pub(crate) struct Clusters {
    parents: Vec<usize>,
}

impl Clusters {
    /// So many items, each alone.
    pub(crate) fn new(items: usize) -> Self {
        Self { parents: (0..items).collect() }
    }

    /// Puts two items, and what is with them, together.
    pub(crate) fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.first(left), self.first(right));
        self.parents[left.max(right)] = left.min(right);
    }

    /// The first item of the cluster that `item` is in.
    pub(crate) fn first(&mut self, mut item: usize) -> usize {
        while self.parents[item] != item {
            self.parents[item] = self.parents[self.parents[item]];
            item = self.parents[item];
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use super::Clusters;

    #[test]
    fn pairs_become_clusters() {
        let mut clusters = Clusters::new(6);
        for (left, right) in [(4, 1), (5, 2), (1, 5), (4, 2)] {
            clusters.join(left, right);
        }
        let firsts: Vec<usize> = (0..6).map(|item| clusters.first(item)).collect();
        assert_eq!(firsts, [0, 1, 1, 3, 1, 1]);
    }
}
