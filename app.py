"""Starts the app, here and on a Space; what it is made of lies in `webcast/app`."""

import spaces  # noqa: F401  first: on ZeroGPU it must patch torch before torch is imported

# isort: split
from webcast.app.launch import demo, launch

__all__ = ["demo"]

if __name__ == "__main__":
    launch()
