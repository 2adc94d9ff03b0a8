"""Work spread over processes that share one politeness, and all end with Ctrl-C and with their parent.

They are spawned, for a fork would copy locks that a thread holds; each has a `Door` of its own. All hold the
end of a pipe whose other end only the parent has: when that is closed, by the parent or by its death, they
hang up. Ctrl-C itself, which a terminal sends to all of them, they pass over.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.sharedctypes import Synchronized
from threading import Thread
from typing import TypeVar

from tqdm import tqdm

from training.collect.door import CollectError, Door

Task, Result = TypeVar("Task"), TypeVar("Result")
POLL_S = 0.5


def spread(
    work: Callable[[Door, Task], Result],
    tasks: Sequence[Task],
    make_door: Callable[[], Door],
    processes: int,
    unit: str,
) -> list[Result]:
    """What `work` gives for each task, in their order, each process at one task at a time.

    Raises `CollectError` where a process was killed, and whatever `work` raises.
    """
    context = multiprocessing.get_context("spawn")
    (end, ours), answers = context.Pipe(duplex=False), context.Value("i", 0)
    arguments = (make_door, end, answers)
    pool = ProcessPoolExecutor(min(processes, len(tasks)), context, _begin, arguments)
    try:
        with _passing_over_ctrl_c():
            futures = [pool.submit(_do, work, task) for task in tasks]
        _show(futures, answers, unit)
        return [future.result() for future in futures]
    except BrokenProcessPool:
        raise CollectError("One of the processes was killed; run the same command again to go on.") from None
    finally:
        ours.close()
        pool.shutdown(cancel_futures=True)


def _show(futures: Sequence[Future], answers: Synchronized, unit: str) -> None:
    """A bar of the tasks that are done and of what all doors fetched, until the last is done or one fails."""
    under_way = set(futures)
    with tqdm(total=len(futures), desc=f"{unit}s", unit=unit) as bar:
        while under_way:
            done, under_way = wait_for(under_way, POLL_S, FIRST_COMPLETED)
            for future in done:
                future.result()
            bar.set_postfix_str(f"{answers.value} fetched", refresh=False)
            bar.update(len(done))
            bar.refresh()


@contextmanager
def _passing_over_ctrl_c() -> Iterator[None]:
    """Processes started meanwhile inherit it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_door: Door
"""The door of this process, once it has begun."""


def _begin(make_door: Callable[[], Door], end: Connection, answers: Synchronized) -> None:
    global _door
    _door = make_door()
    Thread(target=_watch, args=(_door, end, answers), daemon=True).start()


def _watch(door: Door, end: Connection, answers: Synchronized) -> None:
    """Counts the door's answers, and hangs up when the parent ends the work or has died."""
    counted = 0
    while not wait([end], POLL_S):
        new = door.answered - counted
        with answers.get_lock():
            answers.value += new
        counted += new
    door.hang_up()
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)  # nobody is left to give this process work or to wait for it


def _do(work: Callable[[Door, Task], Result], task: Task) -> Result:
    return work(_door, task)
