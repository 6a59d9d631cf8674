"""A chat server on a real port that answers as it is told to: what no healthy server does can be had from it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from llm.dialects import PROBE_SCHEMA

Body = dict[str, Any]


@dataclass
class Reply:
    """What a request is answered with; `body` is sent as it stands if it is bytes."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    """Close the connection without an answer."""
    endless: bool = False
    """Go on writing for ever."""
    wait_s: float = 0.0


PROMPT_TOKENS, COMPLETION_TOKENS = 120, 30
"""What every answer says that it cost."""


def completion(content: str, finish: str = "stop") -> Body:
    return {
        "choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": finish}],
        "usage": {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS},
    }


SUMMARY = {
    "reason": {"turns": [1], "text": "The customer would like to order a bench."},
    "outcome": {"turns": [4], "text": "The order was placed."},
    "actions": [{"turns": [4], "text": "The customer will receive it on Friday."}],
    "follow_up": None,
    "sentiment": "positive",
    "categories": ["order"],
}


@dataclass
class ChatServer:
    """Its address, what it was asked, and how many it served at once."""

    answer: Callable[[Body, int], Reply]
    knows: tuple[str, ...] = ("json_schema",)
    """Dialects that it keeps to; it refuses none."""
    url: str = ""
    asked: list[Body] = field(default_factory=list)
    probes: int = 0
    busy: int = 0
    most_busy: int = 0
    busy_s: float = 0.0
    began_s: float = 0.0
    ended_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """One more request that is being served."""
        with self.lock:
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
            began_s = time.monotonic()
            self.began_s = self.began_s or began_s
        try:
            yield
        finally:
            with self.lock:
                self.busy -= 1
                self.ended_s = time.monotonic()
                self.busy_s += self.ended_s - began_s

    def reply(self, path: str, body: Body) -> Reply:
        if path.endswith("/models"):
            return Reply({"data": [{"id": "fake-1"}]})
        if not path.endswith("/chat/completions"):
            return Reply({"error": "no such path"}, 404)
        if _schema(body) == PROBE_SCHEMA or "Say hello" in body["messages"][-1]["content"]:
            with self.lock:
                self.probes += 1
            held = _dialect(body) in self.knows
            return Reply(completion('{"probe": "k7-held"}' if held else "Hello to you!"))
        with self.lock:
            self.asked.append(body)
            number = len(self.asked)
        return self.answer(body, number)


def _dialect(body: Body) -> str:
    form = body.get("response_format", {})
    named = {"json_schema": "json_schema", "json_object": "json_object", "json": "tgi"}
    for name, key in (
        ("structured_outputs", "structured_outputs"),
        ("guided_json", "guided_json"),
        ("gbnf", "grammar"),
    ):
        if key in body:
            return name
    return named.get(form.get("type"), "text")


def _schema(body: Body) -> Any:
    form = body.get("response_format", {})
    return form.get("json_schema", {}).get("schema") or form.get("schema") or form.get("value")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, served: ChatServer) -> None:
        self.served = served
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, *_: object) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _serve(self, body: Body) -> None:
        served = self.server.served
        with served.counted(), suppress(BrokenPipeError, ConnectionResetError):
            self._send(served.reply(self.path, body))

    def _send(self, reply: Reply) -> None:
        time.sleep(reply.wait_s)
        if reply.drop:
            self.close_connection = True
            self.connection.close()
            return
        raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.endless:
            self.end_headers()
            while True:
                self.wfile.write(b" " * 65_536)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def chat_server(
    answer: Callable[[Body, int], Reply], knows: tuple[str, ...] = ("json_schema",)
) -> Iterator[ChatServer]:
    """Serve until the block ends; `answer` gets each request's body and its number from 1."""
    served = ChatServer(answer, knows)
    server = _Server(served)
    served.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
