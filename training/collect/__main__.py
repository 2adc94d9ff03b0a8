"""python -m training.collect: the commands of `commands.py`, where what they need is installed."""

import sys

from training.collect import needed

try:
    from training.collect.commands import main
except ModuleNotFoundError as missing:
    sys.exit(needed(missing))

if __name__ == "__main__":
    sys.exit(main())
