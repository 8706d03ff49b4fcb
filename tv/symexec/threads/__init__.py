"""Between threads: races, what orders them, atomics, asynchronous copies, blocks that come last."""
