"""Compiles a decoder graph into one persistent CUDA kernel; `tv` checks what it writes and never imports it."""
