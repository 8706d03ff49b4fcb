"""What one input may take. More is a finding."""

LIMIT_S, LIMIT_MB = 10, 2048  # of processor time and of writable private memory
PATIENCE = 6  # so many times as much on the clock, for a machine that does other things too
MUTATION_FAILED = 77  # exit status of a process whose input was never made
