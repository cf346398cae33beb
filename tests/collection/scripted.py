"""A server that answers as a test tells it, for what no well-made server does."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def completion(content="A", **changes):
    """A ``chat.completion`` with no more in it than some servers send."""
    choice = {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return {"choices": [{**choice, **changes}]}


class Scripted:
    """A server on 127.0.0.1 while its ``with`` block runs.

    Parameters
    ----------
    answer : callable
        Gets the request's number, from 0, and returns the status, the body (text, or what becomes
        JSON) and headers. It is called from many threads.

    Attributes
    ----------
    url : str
    received : int
    """

    def __init__(self, answer):
        self.received = 0
        self._count = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                with outer._count:
                    number = outer.received
                    outer.received += 1
                status, body, headers = answer(number)
                text = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": len(text)}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
