"""OpenCV, or one sentence about what is missing: `from webcast.opencv import cv2`."""

from webcast.errors import WebcastError

try:
    import cv2
except ImportError as error:
    raise WebcastError(
        f"OpenCV cannot be loaded ({error}); on Debian run apt-get install libgl1 libglib2.0-0 libxcb1."
    ) from error

__all__ = ["cv2"]
