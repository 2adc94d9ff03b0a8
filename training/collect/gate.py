"""Our door for a program: a proxy on this machine that reaches public addresses alone.

gallery-dl asks the network by itself, and a page or a redirect could send it into a private network. So it is
given this proxy, which opens each connection as `door.py` does: the host is resolved here, and every address
that it has must be a public one. TLS stays between the program and the site; plain HTTP is refused.
"""

import select
import socket
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from training.collect.door import CHUNK, CONNECT_S, CollectError, open_connection

IDLE_S = 60


class Gate(ThreadingHTTPServer):
    """`refused` are the sentences about what was not let through."""

    daemon_threads = True

    def __init__(self, allowed_hosts: Collection[str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.allowed_hosts = allowed_hosts
        self.refused: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Gate

    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        try:
            site = open_connection(host.strip("[]"), int(port), CONNECT_S, self.server.allowed_hosts)
        except CollectError as error:
            return self.refuse(str(error))
        except (OSError, ValueError):
            return self.send_error(502)
        with site:
            self.send_response(200)
            self.end_headers()
            join(self.connection, site)
        self.close_connection = True

    def do_GET(self) -> None:
        self.refuse(f"{self.path} is not asked, for it is no https address.")

    def refuse(self, why: str) -> None:
        self.server.refused.append(why)
        self.send_error(403)

    def log_message(self, *args: object) -> None:
        pass


def join(one: socket.socket, other: socket.socket) -> None:
    """Carries what either end sends to the other, until one is closed or both are silent for `IDLE_S`."""
    while readable := select.select([one, other], [], [], IDLE_S)[0]:
        for end in readable:
            try:
                sent = end.recv(CHUNK)
                (other if end is one else one).sendall(sent)
            except OSError:
                return
            if not sent:
                return


@contextmanager
def opened_gate(allowed_hosts: Collection[str]) -> Iterator[Gate]:
    gate = Gate(allowed_hosts)
    threading.Thread(target=gate.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield gate
    finally:
        gate.shutdown()
        gate.server_close()
