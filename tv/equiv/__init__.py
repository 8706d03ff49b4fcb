"""Relating a kernel's statements to a graph's tensors: search, certificates, and the checker that shares no search code."""
