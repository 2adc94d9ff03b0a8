"""The door for untrusted pictures: whatever is thrown at it, one RGB picture or one clear sentence."""

import io
import struct
import zlib
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from webcast.errors import ImageError
from webcast.images import HEAD_LIFT, HEAD_SCALE, crop_head, display_name, load_panels, open_image, slices
from webcast.types import Box, Panel

RED = (200, 30, 30)


def saved(image: Image.Image, path, **options):
    image.save(path, **options)
    return path


def is_near(pixel, colour, tolerance=6) -> bool:
    return max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) <= tolerance


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 64))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "mode", ["RGB", "RGBA", "LA", "PA", "L", "P", "1", "CMYK", "YCbCr", "I;16", "I", "F"]
)
def test_every_mode_comes_in_as_rgb(mode):
    image = open_image(
        Image.new("RGB", (64, 48), "white").convert("L" if mode == "I;16" else mode).convert(mode)
    )
    assert (image.mode, image.size) == ("RGB", (64, 48))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_on_white(tmp_path, mode):
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 32, 64))
    opened = open_image(saved(image.convert(mode), tmp_path / "page.png"))
    assert opened.getpixel((5, 5)) == (0, 0, 0)
    assert opened.getpixel((60, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("dtype", "white"),
    [(np.uint16, 65535), (np.int32, 65535), (np.int32, 255), (np.float32, 1.0), (np.float32, 255)],
)
def test_deep_grey_is_scaled_and_not_clipped(tmp_path, dtype, white):
    ramp = np.tile(np.linspace(0, white, 64), (64, 1)).astype(dtype)
    opened = open_image(saved(Image.fromarray(ramp), tmp_path / "deep.tiff"))
    greys = np.asarray(opened)[0, :, 0]
    assert greys[0] == 0
    assert greys[-1] == 255
    assert abs(int(greys[32]) - 129) <= 2


def test_a_broken_float_becomes_black_not_a_crash():
    values = np.full((40, 40), np.nan, np.float32)
    assert open_image(Image.fromarray(values)).getpixel((0, 0)) == (0, 0, 0)


def test_cmyk_jpeg(tmp_path):
    path = saved(Image.new("RGB", (64, 64), RED).convert("CMYK"), tmp_path / "print.jpg")
    assert is_near(open_image(path).getpixel((9, 9)), RED, 12)


def test_exif_orientation_is_applied(tmp_path):
    image = Image.new("RGB", (80, 40), "white")
    image.paste(RED, (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its left side
    opened = open_image(saved(image, tmp_path / "phone.jpg", exif=exif, quality=95))
    assert opened.size == (40, 80)
    assert is_near(opened.getpixel((35, 5)), RED, 12)


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_an_animation_gives_its_first_frame(tmp_path, ending):
    frames = [Image.new("RGB", (48, 48), colour) for colour in (RED, "blue")]
    path = saved(
        frames[0], tmp_path / f"moving.{ending}", save_all=True, append_images=frames[1:], duration=90
    )
    assert is_near(open_image(path).getpixel((9, 9)), RED, 12)


def test_a_long_strip_is_let_in(tmp_path):
    path = saved(Image.new("RGB", (800, 15000)), tmp_path / "strip.png")
    assert open_image(path).size == (800, 15000)


def test_a_strip_of_eighty_million_pixels_is_not_a_bomb(tmp_path):
    (tmp_path / "episode.png").write_bytes(png_header(800, 100_000))
    with pytest.raises(ImageError, match="damaged or cut short"):  # not "pixels": the size itself is fine
        open_image(tmp_path / "episode.png")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(12_000, 12_000), (200_000, 200_000)])
def test_a_bomb_is_refused_by_its_header(tmp_path, size):
    (tmp_path / "bomb.png").write_bytes(png_header(*size))
    with pytest.raises(ImageError, match=r"bomb\.png has more than 120 million pixels"):
        open_image(tmp_path / "bomb.png")


def truncated_jpeg() -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).save(data, "JPEG")
    return data.getvalue()[: len(data.getvalue()) // 2]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"I am a text, renamed", "is not a picture"),
        (b"", "is empty"),
        (truncated_jpeg(), "is damaged or cut short"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n%%EndComments\n", "is not a picture"),
    ],
)
def test_a_bad_file_gets_one_sentence_that_names_it(tmp_path, content, sentence):
    (tmp_path / "page.png").write_bytes(content)
    with pytest.raises(ImageError, match=rf"^page\.png {sentence}[^\n]*\.$"):
        open_image(tmp_path / "page.png")


@pytest.mark.parametrize("size", [(1, 1), (20_000, 1), (1, 20_000)])
def test_too_small_a_picture_is_refused(tmp_path, size):
    with pytest.raises(ImageError, match=rf"thin\.png is only {size[0]} x {size[1]} px"):
        open_image(saved(Image.new("RGB", size), tmp_path / "thin.png"))


def test_a_folder_a_missing_path_and_an_impossible_one(tmp_path):
    with pytest.raises(ImageError, match="is a folder"):
        open_image(tmp_path)
    with pytest.raises(ImageError, match=r"no picture file nowhere\.png"):
        open_image(tmp_path / "nowhere.png")
    with pytest.raises(ImageError, match="cannot be opened"):
        open_image("x" * 5000)


def test_good_pictures_of_a_call_survive_the_bad_ones(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no")
    good = saved(Image.new("RGB", (64, 64)), tmp_path / "1화.png")
    given = Panel(Image.new("RGB", (50, 50)), "given")
    panels, notices = load_panels([tmp_path / "bad.png", good, Image.new("L", (40, 40)), given])
    assert [panel.name for panel in panels] == ["1화.png", "picture 3", "given"]
    assert notices == ["bad.png is not a picture; use PNG, JPEG, WebP, GIF, BMP or TIFF."]


def test_no_good_picture_at_all_is_an_error(tmp_path):
    with pytest.raises(ImageError, match="give at least one"):
        load_panels([])
    with pytest.raises(ImageError, match=r"^There is no picture file a\.png"):
        load_panels([tmp_path / "a.png"])
    with pytest.raises(ImageError, match=r"None of 2 pictures is usable: There is no picture file a\.png"):
        load_panels([tmp_path / "a.png", tmp_path / "b.png"])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b/page 1.png", "page 1.png"),
        ("..\\..\\etc\\passwd", "passwd"),
        ("..", "picture"),
        ("<script>.png", "_script_.png"),
        ("일화.png", "일화.png"),
        ("a\x00\n\u202eb.png", "ab.png"),
        ("x" * 500, "x" * 80),
    ],
)
def test_display_names_are_safe(path, name):
    assert display_name(path) == name


@pytest.mark.parametrize("size", [(800, 15000), (15000, 800), (690, 2000), (1000, 1000), (40, 9999)])
def test_slices_cover_the_page_and_overlap(size):
    parts = slices(size)
    assert (parts[0].x0, parts[0].y0) == (0, 0)
    assert (parts[-1].x1, parts[-1].y1) == size
    for one, other in pairwise(parts):
        shared = one.overlap(other) / min(size)
        assert shared >= 0.89 * min(size)


def test_a_normal_page_is_one_slice():
    assert slices((800, 1200)) == [Box(0, 0, 800, 1200)]


def test_crop_head_is_a_raised_square():
    ramp = np.mgrid[0:200, 0:200].astype(np.uint8)
    page = Image.fromarray(np.dstack([ramp[1], ramp[0], ramp[0]]))
    crop = np.asarray(crop_head(page, Box(80, 90, 120, 120)))
    side = round(HEAD_SCALE * 40)
    assert crop.shape == (side, side, 3)
    assert crop[0, 0, 0] == 100 - side // 2
    assert abs(crop[0, 0, 1] - (105 - side / 2 - HEAD_LIFT * side)) <= 1


def test_crop_head_repeats_the_edge_beyond_the_page():
    page = Image.new("RGB", (100, 100), "white")
    page.paste(RED, (0, 0, 3, 100))
    crop = crop_head(page, Box(0, 0, 60, 60))
    assert crop.size == (90, 90)
    assert crop.getpixel((0, 45)) == RED
    assert crop.getpixel((80, 0)) == (255, 255, 255)


def test_crop_head_outside_the_page_says_so():
    with pytest.raises(ImageError, match="outside the picture of 100 x 100 px"):
        crop_head(Image.new("RGB", (100, 100)), Box(400, 400, 460, 460))


def test_a_picture_like_a_thread_is_refused_and_a_long_strip_is_not():
    """The detector would enlarge a thread of pixels to gigabytes."""
    assert open_image(Image.new("RGB", (32, 16_000))).size == (32, 16_000)
    for size in ((32, 16_001), (16_001, 32)):
        with pytest.raises(ImageError, match="too long and thin"):
            open_image(Image.new("RGB", size))
