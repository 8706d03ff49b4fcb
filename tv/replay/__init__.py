"""Execution of kernels on the CPU, bit for bit: what a witness has to pass before anything is called refuted."""

from tv.replay.buffers import Buffer, DenseBuffer, GeneratedBuffer
from tv.replay.contraction import contract
from tv.replay.events import Event, Execution
from tv.replay.interpreter import module_buffer, run

__all__ = ["Buffer", "DenseBuffer", "Event", "Execution", "GeneratedBuffer", "contract", "module_buffer", "run"]
