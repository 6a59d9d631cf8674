"""Prefect's engine in a process that ends with its worker, even by kill -9: `python -m flows.engine`."""

from __future__ import annotations

import os
import runpy

from flows.children import die_with

if __name__ == "__main__":
    die_with(os.getppid())
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
