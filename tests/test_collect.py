"""The collectors before sites served on this machine; nothing here asks the network."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from email.utils import formatdate
from functools import partial
from itertools import islice, pairwise

import icrawler
import pytest
from filelock import FileLock

from tests.collect_sites import Signed, picture, served
from training.collect import door as doors
from training.collect.door import CollectError, Door, Refused, checked_address
from training.collect.google import Google
from training.collect.ledger import KEPT, LEFT_OUT, REJECTED, Entry, Ledger
from training.collect.naver import Naver
from training.collect.people import NAMES, collect_people, collect_person, folder_name, read_names
from training.collect.search import SearchCrawler
from training.collect.sources import Name
from training.collect.turns import Turns
from training.collect.wikimedia import Wikimedia
from webcast.errors import WebcastError

HANA = Name("하나 Example", "female", "hana actor")


@pytest.fixture
def site():
    with served() as site:
        site.files = {f"/files/{n}.jpg": picture(n) for n in range(7)}
        site.people = {HANA.name: list(site.files), HANA.query: list(site.files)}
        yield site


@pytest.fixture
def door():
    return quick()


QUICK = {"allowed_hosts": ["127.0.0.1"], "seconds_between": 0, "backoff_s": 0.01}


def quick(**settings) -> Door:
    return Door(**QUICK | settings)


def wikimedia(site) -> Wikimedia:
    return Wikimedia(f"{site.url}/wikidata", f"{site.url}/commons")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "localhost", "10.0.0.8", "169.254.169.254", "::1", "0.0.0.0", "100.64.0.1",
     "::ffff:10.0.0.8", "64:ff9b::a00:8", "2002:a00:8::1", "fec0::1", "::a00:8"],
)  # fmt: skip
def test_addresses_inside_are_not_asked(address):
    with pytest.raises(CollectError, match=r"inside a private network.*--allow-host"):
        checked_address(address, 80, [])


def test_a_host_that_answers_with_one_private_address_is_refused(monkeypatch):
    """As in DNS rebinding: one public address does not let the other in."""
    both = [(2, 1, 6, "", ("93.184.216.34", 80)), (2, 1, 6, "", ("192.168.1.1", 80))]
    monkeypatch.setattr(doors.socket, "getaddrinfo", lambda *args, **kwargs: both)
    with pytest.raises(CollectError, match=r"192\.168\.1\.1"):
        checked_address("rebinding.example", 80, [])


def test_the_door_connects_to_the_address_that_was_checked(site, monkeypatch):
    """A second look-up of the name would lead elsewhere; there is none."""
    real, asked = socket.getaddrinfo, []

    def look_up(host, *args, **kwargs):
        asked.append(host)
        return real("127.0.0.1" if host == "site.test" else host, *args, **kwargs)

    monkeypatch.setattr(doors.socket, "getaddrinfo", look_up)
    port = site.server_address[1]
    assert quick(allowed_hosts=["site.test"]).fetch(f"http://site.test:{port}/files/1.jpg").body == picture(1)
    assert asked.count("site.test") == 1


def test_without_the_flag_a_local_site_is_refused(site):
    with pytest.raises(CollectError, match="private network"):
        quick(allowed_hosts=[]).fetch(f"{site.url}/files/1.jpg")


def test_a_redirect_into_a_private_network_is_refused(site, door):
    with pytest.raises(CollectError, match=r"169\.254\.169\.254"):
        door.fetch(f"{site.url}/inside")


def test_a_proxy_of_the_environment_is_not_used(site, door, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert door.fetch(f"{site.url}/files/2.jpg").body == picture(2)


def test_a_redirect_on_the_site_is_followed(site, door):
    answer = door.fetch(f"{site.url}/moved/files/3.jpg")
    assert answer.url.endswith("/files/3.jpg")
    assert answer.body == picture(3)


def test_a_redirect_in_circles_ends(site, door):
    with pytest.raises(CollectError, match="TooManyRedirects"):
        door.fetch(f"{site.url}/loop")


@pytest.mark.parametrize("path", ["/forbidden", "/nowhere"])
def test_a_no_is_asked_once(site, door, path):
    with pytest.raises(Refused, match=r"127\.0\.0\.1 answers 40[34]"):
        door.fetch(site.url + path)
    assert site.asked[path] == 1


def test_retry_after_is_waited_for(site, door):
    start = time.monotonic()
    assert door.fetch(f"{site.url}/busy").body == picture(77)
    assert time.monotonic() - start >= 1


def test_retry_after_may_be_a_date():
    assert 25 < doors.retry_after(formatdate(time.time() + 30, usegmt=True)) <= 30
    assert doors.retry_after(formatdate(time.time() - 30, usegmt=True)) == 0
    assert [doors.retry_after(value) for value in (None, "", "7", "soon")] == [0, 0, 7, 0]


def test_a_wait_of_a_day_is_told_and_not_waited_for(site, door):
    with pytest.raises(CollectError, match="asks to wait 86400 seconds; run the command again later"):
        door.fetch(f"{site.url}/always-busy")


def test_a_hundred_megabytes_are_not_read(site):
    with pytest.raises(Refused, match="larger than 1 MB"):
        quick(max_bytes=1_000_000).fetch(f"{site.url}/huge")


def test_a_connection_that_hangs_is_given_up(site):
    site.hang_s = 1.0
    with pytest.raises(CollectError, match="does not answer"):
        quick(read_s=0.2).fetch(f"{site.url}/hangs")


def test_a_host_is_asked_slowly(site):
    slow = quick(seconds_between=0.2)
    start = time.monotonic()
    for number in range(3):
        slow.fetch(f"{site.url}/files/{number}.jpg")
    assert time.monotonic() - start >= 0.4


def test_turns_at_a_host_are_apart_whoever_takes_them(tmp_path):
    """Eight threads with two objects of one folder, as two processes have them."""
    turns = [Turns(tmp_path), Turns(tmp_path)]
    with ThreadPoolExecutor(8) as pool:
        moments = sorted(pool.map(lambda n: turns[n % 2].take("a.example", 5.0), range(8)))
    assert [after - before for before, after in pairwise(moments)] == pytest.approx([5.0] * 7)
    assert turns[0].take("b.example", 5.0) <= time.monotonic()


@pytest.mark.parametrize("path", ["/drips", "/drips-headers"])
def test_a_site_that_sends_a_byte_now_and_then_is_cut(site, path):
    with pytest.raises(CollectError, match="takes longer than 0 seconds"):
        quick(total_s=0.3).fetch(site.url + path)


def test_the_sites_are_told_whom_to_write_to(site):
    quick(contact="someone@example.org").fetch(f"{site.url}/files/1.jpg")
    assert site.agents == {"webcast-collect/0.1 (someone@example.org)"}


def test_commons_is_read_to_its_end_with_author_and_licence(site, door):
    found = list(wikimedia(site)(door, HANA, 50))
    assert [photo.url for photo in found] == [site.url + path for path in site.files]
    assert (found[0].author, found[0].licence, found[0].date) == ("A. Grapher", "CC BY-SA 4.0", "2019-05-01")
    assert found[0].page == f"{site.url}/wiki/files/0.jpg"


def test_a_name_that_nobody_human_has_gives_nothing(site, door):
    assert list(wikimedia(site)(door, Name("Nobody", "", "nobody"), 5)) == []


def test_naver_is_asked_for_faces_page_by_page(site, door):
    site.people[HANA.query] = [f"/files/{n % 7}.jpg?n={n}" for n in range(120)]
    assert len(list(Naver(f"{site.url}/naver")(door, HANA, 110))) == 110
    assert [query["start"] for query in site.queries] == ["1", "51", "101"]
    assert {query["face"] for query in site.queries} == {"1"}


def test_google_gives_the_pictures_and_none_of_its_own(site, door):
    found = [photo.url for photo in Google(f"{site.url}/google")(door, HANA, 50)]
    assert found == [site.url + path for path in site.files]
    assert site.queries[0]["tbs"] == "itp:face"


def test_an_address_that_icrawler_cannot_read_is_a_changed_shape(site, door):
    site.changed.add("google")
    site.answers = {"google": '<script>["http://a.example/\\x1.jpg",9,9]</script>'}
    with pytest.raises(CollectError, match="shape of 2024"):
        list(Google(f"{site.url}/google")(door, HANA, 5))


def test_google_is_asked_page_by_page(site, door):
    site.people[HANA.query] = [f"/files/{n}-of-many.jpg" for n in range(230)]
    assert len(list(Google(f"{site.url}/google", faces_only=False)(door, HANA, 210))) == 210
    assert [(query["start"], query["ijn"]) for query in site.queries] == [
        ("0", "0"),
        ("100", "1"),
        ("200", "2"),
    ]
    assert not any("tbs" in query for query in site.queries)


@pytest.mark.parametrize("source", [Naver, Google])
def test_a_search_asks_for_no_page_that_nobody_needs_and_leaves_no_thread(site, door, source):
    """icrawler's threads end when its caller does, also those that wait for room in a queue."""
    site.people[HANA.query] = [f"/files/{n}-of-many.jpg" for n in range(900)]
    name = source.__name__.lower()
    assert len(list(source(f"{site.url}/{name}")(door, HANA, 30))) == 30
    assert len(list(islice(source(f"{site.url}/{name}")(door, HANA, 900), 3))) == 3
    assert site.asked[f"/{name}"] == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("feeder", "parser"))]


@pytest.mark.parametrize("source", [Naver, Google])
def test_a_search_passes_the_same_door(site, door, source):
    assert issubclass(SearchCrawler, icrawler.Crawler)
    with pytest.raises(CollectError, match=r"169\.254\.169\.254.*inside a private network"):
        list(source(f"{site.url}/inside")(door, HANA, 5))
    with pytest.raises(CollectError, match="answers 403"):
        list(source(f"{site.url}/forbidden")(door, HANA, 5))
    assert site.asked["/forbidden"] == 1


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [("wikidata", wikimedia, "shape of 2026"), ("naver", lambda s: Naver(f"{s.url}/naver"), "shape of 2025"),
     ("google", lambda s: Google(f"{s.url}/google"), "shape of 2024")],
)  # fmt: skip
def test_a_changed_shape_is_an_error_that_names_the_site_and_the_date(site, door, name, source, told):
    site.changed.add(name)
    with pytest.raises(CollectError, match=told) as error:
        list(source(site)(door, HANA, 5))
    assert "update webcast" in str(error.value)


HUMANS = {"Q1": {"claims": {"P31": [{"mainsnak": {"datavalue": {"value": {"id": "Q5"}}}}]}}}


@pytest.mark.parametrize(
    ("wikidata", "pages"),
    [({"wbsearchentities": {"search": [{"title": "Q1"}]}}, None),
     ({"wbsearchentities": {"search": [{"id": "Q1"}]}, "wbgetentities": {"entities": {}}}, None),
     ({"wbsearchentities": {"search": [{"id": "Q1"}]}, "wbgetentities": {"entities": [HUMANS]}}, None),
     ({}, [{"title": "File:a", "imageinfo": []}]),
     ({}, {"12": {"title": "File:a", "imageinfo": [{"mime": "image/jpeg"}]}})],
)  # fmt: skip
def test_every_other_shape_of_wikimedia_is_an_error_of_one_sentence(site, door, wikidata, pages):
    site.answers = wikidata | {"query": {"query": {"pages": pages}}}
    site.changed.add("commons" if pages else "wikidata")
    with pytest.raises(CollectError, match=r"127\.0\.0\.1.*shape of 2026"):
        list(wikimedia(site)(door, HANA, 5))


def test_a_failure_that_may_pass_is_told_and_asked_again(site, tmp_path):
    site.people[HANA.name] = ["/always-busy", "/files/1.jpg"]
    for _ in range(2):  # the host is asked for nothing else either, until a later run
        with pytest.raises(CollectError, match="asks to wait"):
            collect_person(HANA, wikimedia(site), quick(), tmp_path, 3)
    assert (site.asked["/always-busy"], site.asked["/files/1.jpg"]) == (2, 0)
    site.people[HANA.name] = ["/files/1.jpg"]
    assert collect_person(HANA, wikimedia(site), quick(), tmp_path, 3) == []
    assert len(list(tmp_path.glob("*.jpg"))) == 1


def test_a_name_without_a_photo_is_told(site, door, tmp_path):
    (told,) = collect_person(Name("Nobody", "", "nobody"), wikimedia(site), door, tmp_path, 3)
    assert told.startswith("nothing was found; check the name")


@pytest.fixture
def several(site):
    """Six names with two photos each."""
    names = [Name(f"Name {n}", "", f"Name {n}") for n in range(6)]
    site.files = {f"/files/{n}.jpg": picture(n) for n in range(12)}
    site.people = {name.name: list(site.files)[2 * n : 2 * n + 2] for n, name in enumerate(names)}
    return names


def test_names_are_spread_over_processes_that_take_turns_and_fetch_nothing_twice(
    site, several, tmp_path, capsys
):
    """Two processes worked at the same time with the same turns; a second run asks for no photo again."""
    site.meeting, make_door = threading.Barrier(2), partial(Door, **QUICK)
    for _ in range(2):
        assert collect_people([*several, several[0]], Signed(site.url), make_door, tmp_path, 2, 2) == []
    signed = [entry.author.split() for name in several for entry in Ledger(tmp_path / name.name)]
    pids, turns = map(set, zip(*signed, strict=True))
    assert len(pids) == 2
    assert str(os.getpid()) not in pids
    assert len(turns) == 1
    assert "6/6" in (shown := capsys.readouterr().err)
    assert " fetched" in shown
    assert {path: site.asked[path] for path in site.files} == dict.fromkeys(site.files, 1)
    assert all(len(list((tmp_path / name.name).glob("*.jpg"))) == 2 for name in several)


def test_a_second_run_into_the_same_folder_is_refused(site, several, tmp_path):
    with (
        FileLock(tmp_path / ".collecting.lock"),
        pytest.raises(WebcastError, match="Another run collects into"),
    ):
        collect_people(several, wikimedia(site), partial(Door, **QUICK), tmp_path, 2, 1)


@pytest.mark.parametrize("send", [os.killpg, os.kill], ids=["as a terminal does", "to the parent alone"])
def test_ctrl_c_ends_all_processes_quickly_and_the_next_run_goes_on(site, several, tmp_path, send):
    people, site.hang_s = site.people, 600
    site.people = {name: [files[0], f"/hangs?{name}"] for name, files in people.items()}
    run = start_run(site, several, tmp_path)
    until(lambda: site.asked["/hangs"] >= 2)
    send(run.pid, signal.SIGINT)
    told = run.communicate(timeout=100)[1]
    assert "Traceback" not in told
    assert run.returncode == 130
    until(lambda: group_is_empty(run.pid))
    site.people, before = people, {path: site.asked[path] for path in site.files}
    assert sum(before.values()) >= 2
    assert collect_people(several, wikimedia(site), partial(Door, **QUICK), tmp_path, 2, 2) == []
    assert {path: site.asked[path] for path in site.files} == dict.fromkeys(site.files, 1)


def test_processes_end_when_their_parent_is_killed(site, several, tmp_path):
    site.hang_s = 600
    site.people = {name.name: [f"/hangs?{name.name}"] for name in several}
    run = start_run(site, several, tmp_path)
    until(lambda: site.asked["/hangs"] >= 2)
    run.kill()
    run.communicate(timeout=100)
    until(lambda: group_is_empty(run.pid))


RUN = """
import signal
import sys
from datetime import date
from functools import partial
from pathlib import Path
from training.collect.door import Door
from training.collect.people import collect_people
from training.collect.search import SearchCrawler
from training.collect.sources import Name
from training.collect.turns import Turns
from training.collect.wikimedia import Wikimedia

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is started deaf to it
url, out, *names = sys.argv[1:]
source = Wikimedia(f"{url}/wikidata", f"{url}/commons")
door = partial(Door, ["127.0.0.1"], 0, read_s=600, total_s=600)
try:
    collect_people([Name(name, "", name) for name in names], source, door, Path(out), 2, 2)
except KeyboardInterrupt:
    sys.exit(130)
"""


def start_run(site, names, out) -> subprocess.Popen:
    """Two processes and their parent, which collect those names in a process group of their own."""
    words = [sys.executable, "-c", RUN, site.url, str(out), *(name.name for name in names)]
    return subprocess.Popen(words, start_new_session=True, stderr=subprocess.PIPE, text=True)


def group_is_empty(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def until(happened, seconds: float = 100) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_photos_come_with_a_ledger_and_never_twice(site, door, tmp_path):
    collect_person(HANA, wikimedia(site), door, tmp_path, 4)
    kept = [entry for entry in Ledger(tmp_path) if entry.outcome == KEPT]
    assert len(kept) >= 4
    assert {entry.file for entry in kept} == {path.name for path in tmp_path.glob("*.jpg")}
    assert {entry.licence for entry in kept} == {"CC BY-SA 4.0"}
    assert all(date.fromisoformat(entry.fetched) for entry in kept)
    before = {path: count for path, count in site.asked.items() if path.startswith("/files/")}
    collect_person(HANA, wikimedia(site), door, tmp_path, 7)
    assert len(list(tmp_path.glob("*.jpg"))) == 7
    assert all(site.asked[path] == count for path, count in before.items())


def test_what_is_no_picture_is_left_out_with_the_reason_and_not_asked_again(site, door, tmp_path):
    site.files["/files/cut.jpg"] = picture(5)[:900]
    site.people[HANA.name] = ["/page", "/files/cut.jpg", "/forbidden", "/files/1.jpg"]
    for _ in range(2):
        collect_person(HANA, wikimedia(site), door, tmp_path, 4)
    why = {entry.url.rsplit("/", 1)[-1]: entry.why for entry in Ledger(tmp_path) if entry.outcome == LEFT_OUT}
    assert "not a picture" in why["page"]
    assert "damaged" in why["cut.jpg"]
    assert "403" in why["forbidden"]
    assert site.asked["/page"] == site.asked["/forbidden"] == 1
    assert len(list(tmp_path.glob("*.jpg"))) == 1


SOURCES = {
    "wikimedia": wikimedia,
    "naver": lambda site: Naver(f"{site.url}/naver"),
    "google": lambda site: Google(f"{site.url}/google"),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_whatever_a_sites_pictures_answer_the_good_ones_are_kept_and_the_others_are_told(
    site, tmp_path, source
):
    site.hang_s, site.files["/files/cut.jpg"] = 1.0, picture(5)[:900]
    good = ["/files/1.jpg", "/moved/files/2.jpg", "/busy/1.jpg"]
    bad = [f"/{what}/1.jpg" for what in ("forbidden", "page", "huge", "inside", "hangs")]
    site.people[HANA.name] = site.people[HANA.query] = [*good, "/files/cut.jpg", *bad, "/files/3.jpg"]
    told = collect_person(HANA, source(site), quick(max_bytes=1_000_000, read_s=0.2, total_s=5), tmp_path, 10)
    why = {entry.url.removeprefix(site.url): entry.why for entry in Ledger(tmp_path) if entry.why}
    assert sorted(why) == ["/files/cut.jpg", "/forbidden/1.jpg", "/huge/1.jpg", "/page/1.jpg"]
    assert "private network" in told[0], told
    assert "does not answer" in told[1], told
    kept = {entry.url.removeprefix(site.url) for entry in Ledger(tmp_path) if entry.outcome == KEPT}
    assert kept == {*good, "/files/3.jpg"}


def test_several_addresses_of_one_file_give_it_once(site, door, tmp_path):
    site.people[HANA.name] = [f"/files/1.jpg?{n}" for n in range(6)]
    assert collect_person(HANA, wikimedia(site), door, tmp_path, 6) == []
    assert len(list(tmp_path.glob("*.jpg"))) == 1
    assert sorted(entry.outcome for entry in Ledger(tmp_path)) == [KEPT, *[LEFT_OUT] * 5]


def test_a_rejected_photo_does_not_come_back(site, door, tmp_path):
    Ledger(tmp_path).add(Entry(f"{site.url}/files/0.jpg", REJECTED))
    collect_person(HANA, wikimedia(site), door, tmp_path, 7)
    assert site.asked["/files/0.jpg"] == 0


def test_half_a_line_of_a_killed_run_costs_that_line_only(tmp_path):
    Ledger(tmp_path).add(Entry("http://a.example/1", KEPT, "1.jpg"))
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write('{"url": "http://a.example/2", "outc')
    Ledger(tmp_path).add(Entry("http://a.example/3", KEPT, "3.jpg"))
    assert {entry.url[-1] for entry in Ledger(tmp_path)} == {"1", "3"}


def test_a_line_cut_inside_a_letter_costs_that_line_only(tmp_path):
    Ledger(tmp_path).add(Entry("http://a.example/1", KEPT, "1.jpg"))
    with (tmp_path / "ledger.jsonl").open("ab") as file:
        file.write('{"url": "http://a.example/2", "author": "하'.encode()[:-1])
    Ledger(tmp_path).add(Entry("http://a.example/3", KEPT, "3.jpg"))
    assert {entry.url[-1] for entry in Ledger(tmp_path)} == {"1", "3"}


def test_a_line_separator_in_a_name_is_kept(tmp_path):
    Ledger(tmp_path).add(Entry("http://a.example/1", KEPT, "1.jpg", author="A\u2028B\x85C"))
    assert next(iter(Ledger(tmp_path))).author == "A\u2028B\x85C"


def test_one_name_that_fails_does_not_stop_the_others(site, tmp_path):
    site.people["Second"] = ["/files/1.jpg"]
    names = [Name("Nobody", "", "nobody"), HANA]
    (told,) = collect_people(names, wikimedia(site), partial(Door, **QUICK), tmp_path, 1, 1)
    assert told.startswith("Nobody: nothing was found")
    assert list((tmp_path / HANA.name).glob("*.jpg"))


def test_the_names_to_start_from():
    names = read_names(NAMES)
    assert [sum(name.gender == gender for name in names) for gender in ("female", "male")] == [30, 30]
    assert len({name.name for name in names}) == 60


def test_a_names_file_without_the_columns_is_told(tmp_path):
    (tmp_path / "names.csv").write_text("who\nhana\n")
    with pytest.raises(WebcastError, match="needs the columns name and gender"):
        read_names(tmp_path / "names.csv")


def test_folder_names_hold_no_path():
    assert folder_name("../a/b:c") == "_a_b_c"
    assert folder_name("하나") == "하나"


def test_retry_after_holds_for_everybody_who_shares_the_turns(site, tmp_path):
    """Whoever comes next, in any process, waits as long, and gives up at once where that is too long."""
    make = partial(quick, turns=Turns(tmp_path))
    with pytest.raises(CollectError, match="asks to wait 86400 seconds"):
        make().fetch(f"{site.url}/always_busy")
    with pytest.raises(CollectError, match=r"asks to wait 8\d{4} seconds"):
        make().fetch(f"{site.url}/busy")
    assert site.asked["/busy"] == 0


@pytest.mark.parametrize("url", ["http://[bad/x.jpg", "ftp://x/y", "no address", "http:///x"])
def test_what_is_no_web_address_is_refused_and_not_asked_again(door, url):
    with pytest.raises(Refused, match="no http or https address"):
        door.fetch(url)


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 70}.example"])
def test_a_host_that_no_host_can_be_called_is_told(door, host):
    with pytest.raises(CollectError):
        door.fetch(f"http://{host}/x.jpg")


def test_a_long_pause_of_our_own_is_no_wait_that_a_site_asks_for(tmp_path):
    turns = Turns(tmp_path)
    assert turns.take("host", 500) - time.monotonic() <= 0
    assert turns.held_for("host") <= 0
    assert 499 < turns.take("host", 500) - time.monotonic() <= 500
    turns.hold("host", 700)
    assert 699 < turns.held_for("host") <= 700
    assert turns.held_for("another") <= 0
