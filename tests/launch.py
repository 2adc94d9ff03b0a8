"""Starts a training command under `accelerate launch` on the CPU, as DESIGN.md says."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def launch(processes: int, record: Path, *arguments: str, **environment: str) -> str:
    """Runs `tests.launched` with the arguments, records into the new folder, and gives what it printed."""
    record.mkdir()
    told = {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "RECORD": str(record)} | environment
    command = [sys.executable, "-m", "accelerate.commands.launch", "--num_machines", "1"]
    command += ["--multi_gpu"] if processes > 1 else []
    command += ["--num_processes", str(processes), "--main_process_port", "0", "-m", "tests.launched"]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, env=os.environ | told, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
