"""What `accelerate launch` starts in a test: a command, with a record of what each process took.

`python -m tests.launched train|evaluate|publish ARGUMENTS`; RECORD is the folder of the records: how many
processes each knows of, the numbers of the samples that it trained on, and the pictures that it measured.
"""

import os
import sys
from pathlib import Path

from training import data, evaluate, publish, train
from training.processes import this_process

COMMANDS = {"train": train, "evaluate": evaluate, "publish": publish}


def record(kind: str, value: object) -> None:
    with (Path(os.environ["RECORD"]) / f"{kind}-{os.environ.get('RANK', '0')}.txt").open("a") as file:
        file.write(f"{value}\n")


def records(folder: Path, kind: str) -> list[set[str]]:
    """What each process recorded, in the order of the processes."""
    return [set(path.read_text().split()) for path in sorted(folder.glob(f"{kind}-*.txt"))]


class Recorded(data.Unpaired):
    def __getitem__(self, number):
        record("sample", number)
        return super().__getitem__(number)


def recorded(open_image):
    def open_and_record(file):
        record("picture", Path(file).relative_to(Path(file).parents[1]))
        return open_image(file)

    return open_and_record


if __name__ == "__main__":
    data.Unpaired, evaluate.open_image = Recorded, recorded(evaluate.open_image)
    COMMANDS[sys.argv[1]].main(sys.argv[2:])
    record("processes", this_process().num_processes)
