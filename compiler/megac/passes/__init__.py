"""Passes: each takes a program to one that computes the same bits."""
