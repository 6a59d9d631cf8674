"""What takes seconds to load, once for all workers that are forked from the process that loads it (scripted_worker)."""

from flows import process_calls, watch, work
from flows.inlets import opening

__all__ = ["opening", "process_calls", "watch", "work"]
