"""A wire between a client and a server that can be cut, and an HTTP server behind it made to look busy or slow.

A TCP proxy on a port of its own: what happens on it happens to those who connect through it alone.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum

_BUSY = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: 35\r\nConnection: close\r\n\r\n"
    b"<Error><Code>SlowDown</Code></Error>"
)
_CHUNK_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, for 0 s: closing sends a reset."""


class State(Enum):
    """What a wire does with what comes."""

    OPEN = "open"
    SILENT = "silent"
    """Nothing gets through and nobody is told, as when a cable is pulled; what was held goes on once it is open."""
    REFUSING = "refusing"
    """Connections are reset, and new ones too."""
    BUSY = "busy"
    """Every request gets HTTP's 503 for an answer."""
    SLOW = "slow"
    """Answers come 2 kB at a time, 20 times a second."""


@dataclass(slots=True)
class Wire:
    """A wire from a port of its own to a server's port, both on 127.0.0.1."""

    to_port: int
    port: int = 0
    state: State = State.OPEN
    _server: socket.socket = field(init=False)
    _ends: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", self.port))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def being(self, state: State) -> Iterator[None]:
        """Let the wire be in a state as long as the block lasts."""
        self.state = state
        if state is State.REFUSING:
            self.hang_up()
        try:
            yield
        finally:
            self.state = State.OPEN

    def hang_up(self) -> None:
        """Reset all connections."""
        with self._lock:
            for end in self._ends:
                _reset(end)
            self._ends.clear()

    def close(self) -> None:
        """Take the wire away."""
        self._server.close()
        self.hang_up()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        try:
            if self.state is State.REFUSING:
                raise ConnectionRefusedError
            self._hold()
            server = socket.create_connection(("127.0.0.1", self.to_port), timeout=5)
            server.settimeout(None)
        except OSError:
            _reset(client)
            return
        with self._lock:
            self._ends |= {client, server}
        for source, sink, is_answer in ((client, server, False), (server, client, True)):
            threading.Thread(target=self._pump, args=(source, sink, is_answer), daemon=True).start()

    def _hold(self) -> None:
        while self.state is State.SILENT:
            time.sleep(0.01)

    def _pump(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:  # noqa: FBT001
        with suppress(OSError):
            while data := source.recv(_CHUNK_BYTES):
                self._hold()
                if self.state is State.BUSY and not is_answer:
                    source.sendall(_BUSY)
                    break
                while is_answer and self.state is State.SLOW and data:
                    sink.sendall(data[:2_000])
                    data = data[2_000:]
                    time.sleep(0.05)
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        with self._lock:
            self._ends -= {source, sink}


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        end.shutdown(socket.SHUT_RDWR)
    end.close()
