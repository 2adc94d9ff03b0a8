"""Small heads are enlarged before they are compared, drawn ones and portraits alike."""

from collections.abc import Sequence

from PIL import Image

from webcast.types import Upscaler

HEAD_SIDE_PX = 256  # a head this large gains nothing from the upscaler


def enlarge(upscaler: Upscaler, heads: Sequence[Image.Image]) -> list[Image.Image]:
    """The heads, each upscaled until its shorter side is at least `HEAD_SIDE_PX`; larger ones as they are."""
    heads = list(heads)
    while small := [index for index, head in enumerate(heads) if min(head.size) < HEAD_SIDE_PX]:
        larger = upscaler.upscale([heads[index] for index in small])
        if min(larger[0].size) <= min(heads[small[0]].size):
            break  # the upscaler called "none" leaves every picture as it is
        for index, head in zip(small, larger, strict=True):
            heads[index] = head
    return heads
