"""The text of a kernel, its specification for `tv`, and the plan as data."""
