"""A small photo for feedback (处置后照片), like no other: shapes in the colours of a street."""

import io
from random import Random

from PIL import Image, ImageDraw

_SIZE = (320, 240)
_SHAPES = 18


def picture(rng: Random) -> bytes:
    """Return a JPEG of a few kilobytes."""
    width, height = _SIZE
    image = Image.new("RGB", _SIZE, (150, 170, 190))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height // 2, width, height), fill=(110, 108, 104))
    for _ in range(_SHAPES):
        x, y = rng.randrange(width), rng.randrange(height)
        wide, high = rng.randrange(20, 120), rng.randrange(15, 90)
        grey = rng.randrange(30, 230)
        shade = (grey, min(255, grey + rng.randrange(40)), rng.randrange(256))
        draw.rectangle((x - wide // 2, y - high // 2, x + wide // 2, y + high // 2), fill=shade)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=70)
    return out.getvalue()
