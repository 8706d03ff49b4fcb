"""Which thread computes which element between which barriers."""
