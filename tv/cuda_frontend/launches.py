"""Launches that stand in host code: `name<<<grid, block, shared>>>(args)`."""

from __future__ import annotations

from tv.cuda_frontend.context import Module
from tv.kernel import HostLaunch
from tv.launch import CompileOptions


def host_launches(module: Module, options: CompileOptions, found: list[object]) -> tuple[HostLaunch, ...]:
    return ()
