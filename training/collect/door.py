"""The only way to the network: every address is checked, every answer is limited, every site is asked slowly.

A page, a redirect or a user's file may name any address, and one inside a private network would be asked with
this machine's rights. So a host is resolved here, each of its addresses must be a public one, and the
connection goes to the address that was checked: a name that resolves otherwise a moment later gains nothing.
Redirects pass the same door again. `allowed_hosts` lets in named hosts for tests and for sites of one's own.
"""

import ipaddress
import socket
import time
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.connection import create_connection

from webcast.errors import WebcastError

USER_AGENT = "webcast-collect/0.1 (builds a small local dataset; polite; one person's machine)"
MAX_BYTES = 30_000_000
CONNECT_S, READ_S, TOTAL_S = 10, 20, 120
SECONDS_BETWEEN = 1.0
MAX_TRIES = 4
MAX_WAIT_S = 120
CHUNK = 1 << 16
TRY_AGAIN = {429, 500, 502, 503, 504}


class CollectError(WebcastError):
    """A site that does not answer, refuses, or answers in another shape than is known."""


class Refused(CollectError):
    """The site said no to this one address (403, 404, 410 and the like): asking again is of no use."""


def checked_address(host: str, port: int, allowed_hosts: Collection[str]) -> str:
    """The first address of the host; raises `CollectError` unless all of them are public or it is allowed."""
    try:
        found = [
            ipaddress.ip_address(info[4][0])
            for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]
    except OSError as error:
        raise CollectError(
            f"The host {host} cannot be found ({error.strerror}); check the address."
        ) from None
    private = [address for address in found if not address.is_global or address.is_multicast]
    if private and host not in allowed_hosts:
        raise CollectError(
            f"{host} is at {private[0]}, inside a private network, and is not asked; if it is a site of "
            f"yours, say so with --allow-host {host}."
        )
    return str(found[0])


class GuardedConnection(HTTPConnection):
    allowed_hosts: Collection[str] = ()

    def _new_conn(self) -> socket.socket:
        address = checked_address(self.host, self.port, self.allowed_hosts)
        return create_connection((address, self.port), self.timeout, socket_options=self.socket_options)


class GuardedTLSConnection(GuardedConnection, HTTPSConnection):
    pass


class GuardedAdapter(HTTPAdapter):
    """requests' transport, all of whose connections are guarded."""

    def __init__(self, allowed_hosts: Collection[str]) -> None:
        self.allowed_hosts = allowed_hosts
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: object, **settings: object) -> None:
        guarded = {"allowed_hosts": self.allowed_hosts}
        self.poolmanager = PoolManager(*args, **settings)
        self.poolmanager.pool_classes_by_scheme = {
            scheme: type(pool.__name__, (pool,), {"ConnectionCls": type(kind.__name__, (kind,), guarded)})
            for scheme, pool, kind in (
                ("http", HTTPConnectionPool, GuardedConnection),
                ("https", HTTPSConnectionPool, GuardedTLSConnection),
            )
        }


def guarded_session(allowed_hosts: Collection[str] = ()) -> requests.Session:
    """A session of requests that passes the door: no proxies and no credentials of the environment either."""
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 5
    session.headers["User-Agent"] = USER_AGENT
    for scheme in ("http://", "https://"):
        session.mount(scheme, GuardedAdapter(allowed_hosts))
    return session


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address gave: where it came from after redirects, and the body."""

    url: str
    body: bytes
    kind: str


@dataclass
class Door:
    """Fetches addresses, one at a time per site, and again where the site asks to wait.

    `seconds_between` two requests to one host; `backoff_s` before the second try, twice as long each time;
    `max_wait_s` is the longest Retry-After that is waited for.
    """

    allowed_hosts: Collection[str] = ()
    seconds_between: float = SECONDS_BETWEEN
    backoff_s: float = 1.0
    max_wait_s: float = MAX_WAIT_S
    total_s: float = TOTAL_S
    read_s: float = READ_S
    max_bytes: int = MAX_BYTES
    _last: dict[str, float] = field(default_factory=lambda: defaultdict(lambda: -1e9))

    def __post_init__(self) -> None:
        self.session = guarded_session(self.allowed_hosts)

    def fetch(self, url: str, params: dict[str, str] | None = None, referer: str | None = None) -> Answer:
        """The body of an http or https address of at most `max_bytes`.

        Raises `Refused` where the site says no for good, and `CollectError` where it does not answer in time
        or wants more time than `max_wait_s`.
        """
        headers = {"Referer": referer} if referer else {}
        for attempt in range(MAX_TRIES):
            self._wait_for_turn(url)
            wait = self.backoff_s * 2**attempt
            try:
                with self.session.get(
                    url, params=params, headers=headers, stream=True, timeout=(CONNECT_S, self.read_s)
                ) as response:
                    if response.ok:
                        return Answer(
                            response.url, self._body(response), response.headers.get("Content-Type", "")
                        )
                    if response.status_code not in TRY_AGAIN:
                        raise Refused(f"{_site(url)} answers {response.status_code} to {url}.")
                    problem = f"answers {response.status_code}"
                    wait = max(wait, retry_after(response.headers.get("Retry-After")))
            except (requests.RequestException, HTTPError) as error:
                problem = f"does not answer ({type(error).__name__})"
            if wait > self.max_wait_s:
                raise CollectError(
                    f"{_site(url)} asks to wait {wait:.0f} seconds; run the command again later."
                )
            if attempt + 1 < MAX_TRIES:
                time.sleep(wait)
        raise CollectError(f"{_site(url)} {problem}, {MAX_TRIES} times; run the command again later.")

    def _wait_for_turn(self, url: str) -> None:
        host = urlsplit(url).hostname or ""
        due = self._last[host] + self.seconds_between
        time.sleep(max(0.0, due - time.monotonic()))
        self._last[host] = time.monotonic()

    def _body(self, response: requests.Response) -> bytes:
        """The body, read in pieces so that neither its size nor its slowness is the site's to choose."""
        started, body = time.monotonic(), bytearray()
        for chunk in response.iter_content(CHUNK):
            body += chunk
            if len(body) > self.max_bytes:
                raise Refused(
                    f"{response.url} is larger than {self.max_bytes // 1_000_000} MB and is left out."
                )
            if time.monotonic() - started > self.total_s:
                raise Refused(f"{response.url} takes longer than {self.total_s:.0f} seconds and is left out.")
        return bytes(body)


def retry_after(value: str | None) -> float:
    """Seconds of a Retry-After header that counts them; 0 for none, and for a date."""
    return float(value) if value and value.isdigit() else 0.0


def _site(url: str) -> str:
    return urlsplit(url).hostname or url
