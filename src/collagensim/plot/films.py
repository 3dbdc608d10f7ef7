"""A moving picture of few colours, and how it is written: as a GIF, or as a page that plays it without a network."""

from __future__ import annotations

import base64
import html
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from string import Template

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image

from collagensim.errors import InputError, plain
from collagensim.notice import NOTICE
from collagensim.response.files import check_writable, replacing

ENDINGS = (".gif", ".html")
N_COLOURS = 255  # and one more for "as in the frame before"
SAME = 255
ALIKE = 10.0  # a fitted colour so near to a fixed one is not needed
SAMPLED = 2  # every second pixel is enough to fit colours
CONTROLS_PX = 64  # height of the page's buttons


@dataclass(frozen=True, eq=False, repr=False)
class Film:
    """A tissue in motion; shows itself in a notebook.

    Attributes
    ----------
    frames : pictures of 255 colours at most, all with one palette (``film.frames[0].save("first.png")``).
    days, labels : the day of each [day], and in words; title : of the whole.
    seconds : for which each is shown [s].
    """

    frames: tuple[Image.Image, ...]
    days: tuple[float, ...]
    labels: tuple[str, ...]
    title: str
    seconds: float

    @classmethod
    def of(
        cls, pictures: Sequence[Image.Image], colours: Sequence[str], *, days: Sequence[float],
        labels: Sequence[str], title: str, seconds: float,
    ) -> Film:  # fmt: skip
        """Make a film of true-colour pictures of one size, ``colours`` kept exactly."""
        palette = fitted(pictures, colours)
        frames = tuple(reduced(each, palette) for each in pictures)
        return cls(frames, tuple(days), tuple(labels), title, seconds)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height [pixel]."""
        return self.frames[0].size

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write ``path``, ``.gif`` or ``.html`` by its ending, whole or not at all; return it.

        Raises
        ------
        InputError
            When it ends otherwise.
        FileError
            When it cannot be written; a file of that name is then left as it was.
        """
        target = writable(path)
        content = self._gif() if target.suffix.lower() == ".gif" else self.page().encode()
        with replacing(target) as temporary:
            temporary.write_bytes(content)
        return target

    def page(self) -> str:
        """A page that plays the film: everything is in it."""
        wide, high = self.size
        pictures = [
            f'<img alt="{html.escape(label)}" src="data:image/png;base64,{base64.b64encode(each).decode()}">'
            for label, each in zip(self.labels, changes(self.frames), strict=True)
        ]
        template = Template(files("collagensim.plot").joinpath("player.html").read_text(encoding="utf-8"))
        return template.substitute(
            title=html.escape(self.title), notice=html.escape(NOTICE), width=wide, height=high,
            last=len(self.frames) - 1, milliseconds=round(1000.0 * self.seconds),
            labels=json.dumps(self.labels).replace("<", "\\u003c"), pictures="\n".join(pictures),
        )  # fmt: skip

    def _gif(self) -> bytes:
        buffer = BytesIO()
        self.frames[0].save(
            buffer, format="GIF", save_all=True, append_images=self.frames[1:],
            duration=round(1000.0 * self.seconds), loop=0, comment=NOTICE.encode(),
        )  # fmt: skip
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that pages beside it in a notebook stay as they are."""
        wide, high = self.size
        return (
            f'<iframe title="{html.escape(self.title)}" sandbox="allow-scripts" '
            f'style="width: 100%; max-width: {wide}px; aspect-ratio: {wide} / {high + CONTROLS_PX}; border: 0" '
            f'srcdoc="{html.escape(self.page())}"></iframe>'
        )

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        wide, high = self.size
        span = f"{plain(self.days[0])} to {plain(self.days[-1])}"
        return f"<Film of {len(self)} days from {span}, {wide} x {high} pixels: {self.title}. {NOTICE}>"


def writable(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` when a film can be written there; otherwise one sentence why not."""
    target = check_writable(path)
    if target.suffix.lower() not in ENDINGS:
        raise InputError(
            f"cannot write {target.name!r}: a moving picture ends in {' or '.join(ENDINGS)}, "
            f"for example {target.with_suffix(ENDINGS[0]).name!r}"
        )
    return target


def fitted(pictures: Sequence[Image.Image], fixed: Sequence[str]) -> Image.Image:
    """A palette for all pictures at once: the fixed colours, and by median cut those that lie between.

    One palette, so that nothing flickers; fixed colours, since a cut by area loses rare ones such as a capillary's.
    """
    known = np.round(255.0 * np.array([to_rgb(colour) for colour in dict.fromkeys(fixed)])).astype(int)
    known = np.unique(known, axis=0)[:N_COLOURS]
    samples = np.concatenate([np.asarray(each)[::SAMPLED, ::SAMPLED] for each in pictures])
    cut = Image.fromarray(samples).quantize(N_COLOURS - len(known) or 1, method=Image.Quantize.MEDIANCUT)
    between = np.array(cut.getpalette(), dtype=int).reshape(-1, 3)
    away = np.sqrt(((between[:, None] - known[None]) ** 2).sum(axis=-1)).min(axis=1)
    colours = np.concatenate([known, between[away > ALIKE]])[:N_COLOURS]
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours.astype(np.uint8).tobytes())
    return palette


def reduced(picture: Image.Image, palette: Image.Image) -> Image.Image:
    """The picture in the colours of a palette; those that the palette holds stay exactly."""
    index = np.array(picture.quantize(palette=palette, dither=Image.Dither.NONE))
    colours = palette.getpalette() or []
    held, pixels = _packed(np.array(colours).reshape(-1, 3)), _packed(np.asarray(picture))
    order = np.argsort(held, kind="stable")
    at = np.minimum(np.searchsorted(held[order], pixels), held.size - 1)
    # Pillow looks a colour up by its first bits and so may take white for a very pale grey
    exact = held[order][at] == pixels
    index[exact] = order[at][exact]
    found = Image.fromarray(index)
    found.putpalette(colours + [0] * (3 * 256 - len(colours)))  # a PNG's transparent colour must be within
    return found


def _packed(colours: np.ndarray) -> np.ndarray:
    """One number for each colour (..., 3)."""
    red, green, blue = np.moveaxis(colours.astype(np.int64), -1, 0)
    packed: np.ndarray = (red << 16) | (green << 8) | blue
    return packed


def changes(frames: Sequence[Image.Image]) -> list[bytes]:
    """PNG files: the first frame, then of each what differs from the one before, which shines through elsewhere."""
    found, before = [], np.full(np.asarray(frames[0]).shape, SAME, dtype=np.uint8)
    for frame in frames:
        now = np.asarray(frame)
        picture = Image.fromarray(np.where(now == before, SAME, now).astype(np.uint8))
        picture.putpalette(frame.getpalette() or [])
        buffer = BytesIO()
        picture.save(buffer, format="PNG", transparency=SAME, optimize=True)
        found.append(buffer.getvalue())
        before = now
    return found
