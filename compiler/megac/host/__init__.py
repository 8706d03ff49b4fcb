"""Running a kernel: its buffers filled, tokens one after another, and how long they take. Only `cuda` needs a GPU."""
