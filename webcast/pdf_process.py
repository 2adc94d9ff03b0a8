"""Draws the pages of one PDF, in a process of its own: what a hostile file does to PDFium stays here.

    python -P pdf_process.py FILE

`pdf.py` starts it, and talks to it over standard input and output. It says {"pages": N} first, and then
answers each line with a line of JSON: to `size 0` with {"size": [width, height]} in points, to `draw 0 1.5`,
a page and a scale, with {"size": [width, height]} in pixels and after that line the pixels, RGB uint8. What
goes wrong is {"error": "..."}. It imports nothing of webcast, so that it starts at once.
"""

import json
import sys
from contextlib import closing, suppress

import pypdfium2 as pdfium

MAX_MEMORY_BYTES = 3 << 30  # the largest page takes 1.7 GB
MAX_CPU_SECONDS = 330  # somewhat more than `pdf.ALL_SECONDS`, for whoever waits may have been killed


def limit_itself() -> None:
    """Where the system can: a page that needs more memory fails, or PDFium leaves a part of it out."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))


def tell(told: dict, pixels: bytes = b"") -> None:
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n")
    sys.stdout.buffer.write(pixels)
    sys.stdout.buffer.flush()


def answer(document: pdfium.PdfDocument, command: str) -> tuple[dict, bytes]:
    what, number, *scale = command.split()
    with closing(document[int(number)]) as page:
        if what == "size":
            return {"size": page.get_size()}, b""
        with closing(page.render(scale=float(scale[0]), rev_byteorder=True)) as bitmap:
            picture = bitmap.to_pil()
            return {"size": picture.size}, picture.tobytes()


def main() -> None:
    limit_itself()
    try:
        document = pdfium.PdfDocument(sys.argv[1])
        tell({"pages": len(document)})
    except pdfium.PdfiumError as error:
        tell({"error": str(error)})
        return
    for command in sys.stdin:
        try:
            told, pixels = answer(document, command)
        except (pdfium.PdfiumError, MemoryError, OSError) as error:
            told, pixels = {"error": str(error) or "it takes too much memory"}, b""
        tell(told, pixels)


if __name__ == "__main__":
    main()
