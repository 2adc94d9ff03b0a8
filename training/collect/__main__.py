"""python -m training.collect: the commands of `commands.py`, where what they need is installed."""

import sys

try:
    from training.collect.commands import main
except ModuleNotFoundError as missing:
    sys.exit(f"error: Collecting needs {missing.name}; install it with: pip install -e '.[collect]'")

if __name__ == "__main__":
    sys.exit(main())
