"""Pictures that a phone's camera reads (二维码), as SVG to stand inside a page."""

from __future__ import annotations

import io

import qrcode
from qrcode.image.svg import SvgPathImage


def picture(text: str) -> str:
    """Return the picture of `text` as one `<svg>` element: dark on white, with its quiet zone."""
    made = qrcode.make(text, image_factory=SvgPathImage, box_size=10, border=4)
    drawn = io.BytesIO()
    made.save(drawn)
    svg = drawn.getvalue().decode()
    return svg[svg.index("<svg") :].replace("<svg", '<svg role="img" aria-label="二维码"', 1)
