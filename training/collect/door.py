"""The only way to the network: every address is checked, every answer is limited, every site is asked slowly.

A page, a redirect or a user's file may name any address, and one inside a private network would be asked with
this machine's rights. So a host is resolved here, each of its addresses must be a public one, and the
connection goes to the address that was checked: a name that resolves otherwise a moment later gains nothing.
Redirects pass the same door again. `allowed_hosts` lets in named hosts for tests and for sites of one's own.

A timer cuts the connections of a fetch that takes too long, for a site that sends a byte now and then would
never run into a timeout; and `Door.hang_up` cuts all of them, so that Ctrl-C does not wait for any.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.connection import create_connection

from training.collect.turns import Turns
from webcast.errors import WebcastError

USER_AGENT = "webcast-collect/0.1 ({contact})"
NO_CONTACT = "builds a small local dataset on one person's machine"
MAX_BYTES = 30_000_000
CONNECT_S, READ_S, TOTAL_S = 10, 20, 120
SECONDS_BETWEEN = 1.0
MAX_TRIES = 4
MAX_WAIT_S = 120
CHUNK = 1 << 16
STOPPED = "The fetch was stopped."
TRY_AGAIN = {429, 500, 502, 503, 504}
NAT64 = ipaddress.ip_network("64:ff9b::/96")
TUNNELS = tuple(map(ipaddress.ip_network, ("::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10")))


class CollectError(WebcastError):
    """A site that does not answer, refuses, or answers in another shape than is known."""


class Refused(CollectError):
    """The site said no to this one address (403, 404, 410 and the like): asking again is of no use."""


def is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # brackets that hold no IPv6 address
        return False


def checked_address(host: str, port: int, allowed_hosts: Collection[str]) -> str:
    """The first address of the host; raises `CollectError` unless all of them are public or it is allowed."""
    try:
        found = [
            ipaddress.ip_address(info[4][0])
            for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that no host can have
        why = getattr(error, "strerror", None) or "its name is malformed"
        raise CollectError(f"The host {host} cannot be found ({why}); check the address.") from None
    private = [address for address in found if is_inside(address)]
    if private and host not in allowed_hosts:
        raise CollectError(
            f"{host} is at {private[0]}, inside a private network, and is not asked; if it is a site of "
            f"yours, say so with --allow-host {host}."
        )
    return str(found[0])


def open_connection(
    host: str, port: int, timeout: float, allowed_hosts: Collection[str], options: Sequence[tuple] = ()
) -> socket.socket:
    """A connection to the checked address of a host; raises as `checked_address`, and OSError."""
    address = checked_address(host, port, allowed_hosts)
    return create_connection((address, port), timeout, socket_options=options)


def is_inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is not a public one, or may lead to one that is not through a tunnel."""
    if address.version == 6 and address in NAT64:
        return is_inside(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    in_tunnel = any(address.version == tunnel.version and address in tunnel for tunnel in TUNNELS)
    return in_tunnel or not address.is_global or address.is_multicast


class Lines:
    """The connections of one fetch, which `cut` ends from any thread, whatever they are doing."""

    def __init__(self) -> None:
        self.is_cut, self._handles, self._lock = False, [], threading.Lock()

    def add(self, connection: socket.socket) -> None:
        with self._lock:
            handle = connection.dup()  # it stays the connection's, also when TLS takes the socket over
            self._handles.append(handle)
            if self.is_cut:
                _shut(handle)

    def cut(self) -> None:
        with self._lock:
            self.is_cut = True
            for handle in self._handles:
                _shut(handle)

    def close(self) -> None:
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()


def _shut(handle: socket.socket) -> None:
    with suppress(OSError):  # it has ended already
        handle.shutdown(socket.SHUT_RDWR)


class GuardedConnection(HTTPConnection):
    allowed_hosts: Collection[str] = ()
    lines: Lines

    def _new_conn(self) -> socket.socket:
        made = open_connection(self.host, self.port, self.timeout, self.allowed_hosts, self.socket_options)
        self.lines.add(made)
        return made


class GuardedTLSConnection(GuardedConnection, HTTPSConnection):
    pass


class GuardedAdapter(HTTPAdapter):
    """requests' transport, all of whose connections are guarded and in `lines`."""

    def __init__(self, allowed_hosts: Collection[str], lines: Lines) -> None:
        self.guarded = {"allowed_hosts": allowed_hosts, "lines": lines}
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: object, **settings: object) -> None:
        self.poolmanager = PoolManager(*args, **settings)
        self.poolmanager.pool_classes_by_scheme = {
            "http": self._guarded(HTTPConnectionPool, GuardedConnection),
            "https": self._guarded(HTTPSConnectionPool, GuardedTLSConnection),
        }

    def _guarded(self, pool: type, connection: type) -> type:
        guarded = type(connection.__name__, (connection,), self.guarded)
        return type(pool.__name__, (pool,), {"ConnectionCls": guarded})


def guarded_session(allowed_hosts: Collection[str], lines: Lines, user_agent: str) -> requests.Session:
    """A session of requests that passes the door: no proxies and no credentials of the environment either."""
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 5
    session.headers["User-Agent"] = user_agent
    for scheme in ("http://", "https://"):
        session.mount(scheme, GuardedAdapter(allowed_hosts, lines))
    return session


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address gave: where it came from after redirects, and the body."""

    url: str
    body: bytes
    kind: str


@dataclass
class Door:
    """Fetches addresses, one at a time per site, and again where the site asks to wait; for many threads.

    `seconds_between` two requests to one host; `backoff_s` before the second try, twice as long each time;
    `max_wait_s` is the longest Retry-After that is waited for; `total_s` is the time for one answer, from the
    connection to the last byte. `contact` is what the sites are told of whom to write to. Doors with the
    same `turns` wait for each other. `answered` counts what was fetched.
    """

    allowed_hosts: Collection[str] = ()
    seconds_between: float = SECONDS_BETWEEN
    backoff_s: float = 1.0
    max_wait_s: float = MAX_WAIT_S
    total_s: float = TOTAL_S
    read_s: float = READ_S
    max_bytes: int = MAX_BYTES
    contact: str = NO_CONTACT
    turns: Turns = field(default_factory=Turns)
    answered: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: set[Lines] = field(default_factory=set)
    _hung_up: threading.Event = field(default_factory=threading.Event)

    def fetch(self, url: str, params: dict[str, str] | None = None, referer: str | None = None) -> Answer:
        """The body of an http or https address of at most `max_bytes`.

        Raises `Refused` where the site says no for good or the address is none, and `CollectError` where it
        does not answer in time or wants more time than `max_wait_s`.
        """
        if not is_web_address(url):
            raise Refused(f"{url[:100]} is no http or https address.")
        for attempt in range(MAX_TRIES):
            self._wait_for_turn(url)
            answer = self._try(url, params, {"Referer": referer} if referer else {})
            if isinstance(answer, Answer):
                self.answered += 1
                return answer
            if answer.wait_s:
                self.turns.hold(urlsplit(url).hostname or "", answer.wait_s)
            wait = max(answer.wait_s, self.backoff_s * 2**attempt)
            if wait > self.max_wait_s:
                raise CollectError(
                    f"{_site(url)} asks to wait {wait:.0f} seconds; run the command again later."
                )
            if attempt + 1 < MAX_TRIES:
                self._sleep(wait)
        raise CollectError(f"{_site(url)} {answer.problem}, {MAX_TRIES} times; run the command again later.")

    def hang_up(self) -> None:
        """Ends every fetch that is under way or waits, in any thread, with a `CollectError`; for good."""
        self._hung_up.set()
        with self._lock:
            for lines in self._open:
                lines.cut()

    def _try(self, url: str, params: dict[str, str] | None, headers: dict[str, str]) -> "Answer | _NotNow":
        """What came of asking once."""
        with self._lines() as lines:
            session = guarded_session(self.allowed_hosts, lines, USER_AGENT.format(contact=self.contact))
            timeout = (CONNECT_S, self.read_s)
            try:
                with session.get(
                    url, params=params, headers=headers, stream=True, timeout=timeout
                ) as response:
                    if response.ok:
                        kind = response.headers.get("Content-Type", "")
                        answer = Answer(response.url, self._body(response), kind)
                        self._check(lines, url)  # without a length, a body that was cut looks whole
                        return answer
                    if response.status_code not in TRY_AGAIN:
                        raise Refused(f"{_site(url)} answers {response.status_code} to {url}.")
                    wait_s = retry_after(response.headers.get("Retry-After"))
                    return _NotNow(f"answers {response.status_code}", wait_s)
            except (requests.RequestException, HTTPError) as error:
                self._check(lines, url)
                return _NotNow(f"does not answer ({type(error).__name__})")

    @contextmanager
    def _lines(self) -> Iterator[Lines]:
        """The connections of one try, which are cut after `total_s`."""
        lines = Lines()
        timer = threading.Timer(self.total_s, lines.cut)
        timer.daemon = True
        with self._lock:
            self._open.add(lines)
        timer.start()
        if self._hung_up.is_set():
            lines.cut()
        try:
            yield lines
        finally:
            timer.cancel()
            with self._lock:
                self._open.discard(lines)
            lines.close()

    def _check(self, lines: Lines, url: str) -> None:
        """Raises `CollectError` where the connections were cut."""
        if self._hung_up.is_set():
            raise CollectError(STOPPED)
        if lines.is_cut:
            raise CollectError(f"{url} takes longer than {self.total_s:.0f} seconds; it is left for later.")

    def _wait_for_turn(self, url: str) -> None:
        host = urlsplit(url).hostname or ""
        held = self.turns.held_for(host)
        if held > self.max_wait_s:
            raise CollectError(f"{_site(url)} asks to wait {held:.0f} seconds; run the command again later.")
        self._sleep(self.turns.take(host, self.seconds_between) - time.monotonic())

    def _sleep(self, seconds: float) -> None:
        if self._hung_up.wait(max(0.0, seconds)):
            raise CollectError(STOPPED)

    def _body(self, response: requests.Response) -> bytes:
        """The body, read in pieces so that its size is not the site's to choose."""
        body = bytearray()
        for chunk in response.iter_content(CHUNK):
            body += chunk
            if len(body) > self.max_bytes:
                raise Refused(
                    f"{response.url} is larger than {self.max_bytes // 1_000_000} MB and is left out."
                )
        return bytes(body)


@dataclass(frozen=True, slots=True)
class _NotNow:
    """Why a try failed that may succeed later, and how long the site asks to wait."""

    problem: str
    wait_s: float = 0.0


def retry_after(value: str | None) -> float:
    """Seconds that a Retry-After header asks to wait, as a number or a date; 0 for none and for nonsense."""
    if value is None or value.isdecimal():
        return float(value or 0)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


def _site(url: str) -> str:
    return urlsplit(url).hostname or url
