"""From accesses to values: who wrote what is read, folds of loops, what an output holds at the end."""
