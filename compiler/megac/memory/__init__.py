"""Where tensors lie: packed weights, caches, workspace with its reuse, shared memory, registers."""
