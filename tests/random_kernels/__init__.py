"""Random kernels: CUDA text drawn at random, and what is proved of it against runs of every thread.

`python -m tests.random_kernels --cases 100000 --jobs 16` draws many; the tests draw a few hundred through hypothesis.
"""
