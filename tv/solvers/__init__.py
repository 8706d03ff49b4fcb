"""z3 and bitwuzla, asked about leftover lemmas over scalars, in processes that can be killed."""
