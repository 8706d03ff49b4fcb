"""Instructions of a warp: who takes part, which lane a value comes from, what they order."""
