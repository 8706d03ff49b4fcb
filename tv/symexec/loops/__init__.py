"""Loops of the symbolic thread: one body for all rounds."""
