"""Pictures in files: opened within limits, brought to one size."""

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from spec.budgets import Budget
from spec.refusal import Refused

__all__ = ["PICTURES", "RESIZES", "Form", "array_of", "deep", "opened", "pictures_in"]

#: What names of pictures end in.
PICTURES = (".png", ".jpg", ".jpeg", ".bmp")

#: How a picture becomes one of another size: not at all; the whole of it, with black around; the middle of it.
RESIZES = ("none", "fit", "crop")

#: Modes of Pillow with one channel of at most 8 bits, and with more values than a byte has.
_GREY, _DEEP = ("1", "L", "LA", "La"), ("I", "F")


@dataclass(frozen=True)
class Form:
    """What images are to look like.

    Parameters
    ----------
    size : (height, width), or ()
        In pixels; () is that of the pictures.
    channels : int
        1 or 3; 0 is that of the pictures.
    resize : str
        One of ``RESIZES``.
    """

    size: Sequence[int] = ()
    channels: int = 0
    resize: str = "none"

    def check(self, name: str, image: tuple[int, int, int]) -> None:
        """Refuse images (height, width, channels) of ``name``, which are as they are, if they are not of this form."""
        height, width, channels = image
        if self.size and tuple(self.size) != (height, width):
            raise Refused(
                f"Images of {name} are {height}x{width}, not {self.size[0]}x{self.size[1]}, and only pictures in a "
                "folder can be resized; leave out --size"
            )
        if self.channels not in (0, channels):
            raise Refused(f"Images of {name} have {channels} channels, not {self.channels}; leave out --channels")


def opened(path: Path, channels: int = 0) -> Image.Image:
    """The picture in ``path``, decoded: mode L for 1 channel, RGB for 3, whichever it has for 0.

    Raises
    ------
    Refused
        If it is no picture, cannot be read, has more than 8 bits a value, or is too large, told by what its header
        declares before it is decoded.
    """
    def converted(file: Image.Image) -> Image.Image:
        if file.mode.startswith(_DEEP):
            raise Refused(f"Picture {path} has more than 8 bits a value (mode {file.mode}); save it with 8")
        grey = channels == 1 or (not channels and file.mode in _GREY)
        return file.convert("L" if grey else "RGB")

    return _decoded(path, converted)


def deep(path: Path) -> np.ndarray:
    """The picture in ``path``, which has one channel of 16 bits, decoded: uint16 (H, W).

    Raises
    ------
    Refused
        As :func:`opened`, and if it has other values.
    """
    def converted(file: Image.Image) -> np.ndarray:
        if not file.mode.startswith("I;16"):
            raise Refused(f"Picture {path} must have one channel of 16 bits, not mode {file.mode}; get it again")
        return np.asarray(file).astype(np.uint16)

    return _decoded(path, converted)


def _decoded(path: Path, converted: Callable[[Image.Image], object]):
    """What ``converted`` makes of the picture in ``path``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # Ours is the lower limit.
            with Image.open(path) as file:
                _check_size(path, *file.size)
                return converted(file)
    except Refused:
        raise
    except Image.DecompressionBombError:
        raise Refused(f"Picture {path} has more than {Budget.PIXELS.most:,} pixels; scale it down") from None
    except (OSError, SyntaxError, ValueError) as error:
        reason = "it is no picture" if isinstance(error, Image.UnidentifiedImageError) else error
        raise Refused(f"Picture {path} cannot be read ({reason}); get it again or take it out") from None


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > Budget.PIXELS.most:
        raise Refused(f"Picture {path} is {height}x{width}, more than {Budget.PIXELS.most:,} pixels; scale it down")
    if max(width, height) > Budget.RATIO.most * min(width, height):
        raise Refused(f"Picture {path} is {height}x{width}, which is too long and narrow; cut it")


def array_of(path: Path, picture: Image.Image, form: Form) -> np.ndarray:
    """``picture``, from ``path``, as uint8 (H, W, C) of ``form``, which leaves nothing open.

    Raises
    ------
    Refused
        If it has other channels, or another size and is not to be resized.
    """
    height, width = form.size
    if (channels := len(picture.getbands())) != form.channels:
        raise Refused(f"Picture {path} has {channels} channels, not {form.channels}; give --channels 1 or 3")
    if picture.size != (width, height):
        if form.resize == "none":
            raise Refused(
                f"Picture {path} is {picture.height}x{picture.width}, not {height}x{width}; give --resize fit or crop"
            )
        picture = _resized(picture, height, width, crop=form.resize == "crop")
    pixels = np.asarray(picture)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _resized(picture: Image.Image, height: int, width: int, *, crop: bool) -> Image.Image:
    """All of ``picture`` with black around it, or with ``crop`` as much of its middle as has that shape."""
    scales = height / picture.height, width / picture.width
    if crop:
        scale = max(scales)
        left, top = (picture.width - width / scale) / 2, (picture.height - height / scale) / 2
        box = (max(0, left), max(0, top), min(picture.width, left + width / scale),
               min(picture.height, top + height / scale))
        return picture.resize((width, height), Image.Resampling.BILINEAR, box=box)
    scale = min(scales)
    size = max(1, min(width, round(picture.width * scale))), max(1, min(height, round(picture.height * scale)))
    whole = Image.new(picture.mode, (width, height))
    whole.paste(picture.resize(size, Image.Resampling.BILINEAR), ((width - size[0]) // 2, (height - size[1]) // 2))
    return whole


def pictures_in(folder: Path) -> list[Path]:
    """The pictures in ``folder``, by name.

    Raises
    ------
    Refused
        If one of them is a link, which would make the data something that lies elsewhere.
    """
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if entry.name.lower().endswith(PICTURES)]
    for entry in sorted(found, key=lambda entry: entry.name):
        if entry.is_symlink():
            raise Refused(f"Picture {entry.path} is a link; put the file itself there")
    return sorted(Path(entry.path) for entry in found)
