"""Which of the processes that `accelerate launch` started this one is, and processes that work beside it."""

import multiprocessing
import os
from multiprocessing.context import ForkServerContext

from accelerate import PartialState
from accelerate.utils import parse_flag_from_env

from webcast.errors import WebcastError


def this_process() -> PartialState:
    """Its number and how many there are; raises as `check_together`.

    Unlike an `Accelerator`, accelerate's bare `PartialState` passes over ACCELERATE_USE_CPU, and on a CPU
    every process then takes itself for the only one.
    """
    state = PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU"))
    check_together(state.num_processes)
    return state


def check_together(processes: int) -> None:
    """Raises `WebcastError` where not all processes that were started have found each other."""
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if processes != started:
        raise WebcastError(
            f"{started} processes were started, and each took itself for the only one; where there is no GPU "
            "for them, set ACCELERATE_USE_CPU=true and launch with --multi_gpu."
        )


def fresh_processes() -> ForkServerContext:
    """Where workers come from: copies of a process that has imported torch and has no threads yet.

    A plain fork of this process hangs once torch or OpenCV has started threads in it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "cv2"])
    return context
