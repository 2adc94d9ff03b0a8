"""What `accelerate launch` starts in a test: the command, with a record of what each process took."""

import json
import os
import sys
from pathlib import Path

from training import data, train


class Recorded(data.Unpaired):
    def __getitem__(self, number):
        with (Path(os.environ["RECORD"]) / f"process-{os.environ.get('RANK', '0')}.jsonl").open("a") as file:
            file.write(json.dumps(number) + "\n")
        return super().__getitem__(number)


if __name__ == "__main__":
    data.Unpaired = Recorded
    train.main(sys.argv[1:])
