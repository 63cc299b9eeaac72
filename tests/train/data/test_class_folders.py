"""Pictures of one's own in folders: classes, splits, sizes, and what is refused."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spec.refusal import Refused
from train.data import load_dataset
from train.data.pictures import Form


def draw(path: Path, height: int, width: int, value: int = 0, mode: str = "L") -> Path:
    """A picture of one value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (width, height), value if mode == "L" else (value, 0, 0)).save(path)
    return path


@pytest.fixture
def animals(tmp_path):
    """Six grey pictures, 6x4, of each of two classes; their value is their number, plus 100 in the second class."""
    folder = tmp_path / "my animals"
    for label, name in enumerate(("ant", "bee")):
        for i in range(6):
            draw(folder / name / f"{i}.png", 6, 4, 100 * label + i)
    return folder


def load(folder: Path, size=(), channels=0, resize="none"):
    return load_dataset(str(folder), Path("nowhere"), Form(size, channels, resize))


def values(images: np.ndarray) -> list[int]:
    return images[:, 0, 0, 0].tolist()


def test_every_fifth_of_a_class_is_held_out(animals):
    dataset = load(animals)
    assert (dataset.name, dataset.classes, dataset.class_names) == ("my-animals", 2, ("ant", "bee"))
    assert dataset.image == (6, 4, 1)
    assert values(dataset.test_images) == [0, 5, 100, 105]
    assert values(dataset.train_images) == [1, 2, 3, 4, 101, 102, 103, 104]
    assert dataset.train_labels.tolist() == [0] * 4 + [1] * 4
    assert dataset.digest == load_dataset("my animals", animals.parent).digest  # Found below --data, too.


@pytest.mark.parametrize("held_out", ["test", "val"])
def test_a_test_folder_is_held_out(animals, held_out):
    for name in ("ant", "bee"):
        draw(animals / "all" / held_out / name / "0.png", 6, 4, 50)
        (animals / "all" / "train").mkdir(exist_ok=True)
        (animals / name).rename(animals / "all" / "train" / name)
    dataset = load(animals / "all")
    assert len(dataset.train_images) == 12
    assert values(dataset.test_images) == [50, 50]
    draw(animals / "all" / held_out / "cat" / "0.png", 6, 4)
    with pytest.raises(Refused, match=r"Class 'cat' is in one of .* but not in the other"):
        load(animals / "all")


def test_a_class_may_be_called_train(animals):
    (animals / "bee").rename(animals / "train")
    assert load(animals).class_names == ("ant", "train")


def test_pictures_become_what_is_asked_for(animals):
    draw(animals / "ant" / "1.png", 8, 8, 200, "RGB")
    assert load(animals, (6, 4), 3, "crop").image == (6, 4, 3)
    whole, middle = (load(animals, (6, 8), 3, how).train_images[0] for how in ("fit", "crop"))
    assert (middle[..., 0] == 200).all()
    assert (whole[:, 1:7, 0] == 200).all()
    assert not whole[:, [0, 7]].any()
    assert load(animals, (6, 8), 1, "crop").image == (6, 8, 1)


@pytest.mark.parametrize(("change", "form", "message"), [
    (lambda f: draw(f / "ant" / "2.png", 6, 5), {},
     r"Picture .*ant/2\.png is 6x5, not 6x4; give --resize fit or crop$"),
    (lambda f: None, {"size": (8, 8)}, r"Picture .*ant/1\.png is 6x4, not 8x8; give --resize fit or crop"),
    (lambda f: draw(f / "bee" / "1.png", 6, 4, 0, "RGB"), {},
     r"Picture .*bee/1\.png has 3 channels, not 1; give --channels 1 or 3"),
    (lambda f: (f / "ant" / "2.png").write_text("no"), {}, r"Picture .*ant/2\.png cannot be read \(it is no picture\)"),
    (lambda f: (f / "ant" / "2.png").write_bytes((f / "ant" / "1.png").read_bytes()[:50]), {},
     r"Picture .*ant/2\.png cannot be read"),
    (lambda f: draw(f / "ant" / "2.png", 1, 101), {}, r"Picture .*2\.png is 1x101, which is too long and narrow"),
    (lambda f: Image.new("I;16", (4, 6)).save(f / "ant" / "2.png"), {}, r"^Picture .*2\.png has more than 8 bits"),
    (lambda f: (f / "ant" / "7.png").symlink_to(f / "ant" / "1.png"), {}, r"Picture .*7\.png is a link; put the file"),
    (lambda f: (f / "cat").symlink_to(f / "ant"), {}, r"Class folder .*cat is a link; put the folder"),
    (lambda f: (f / "cat").mkdir(), {}, r"Class folder .*cat holds no picture \(\.png, .*\); fill it or remove it"),
    (lambda f: draw(f / "cat" / "0.png", 6, 4), {}, "Class folder .*cat holds one picture, but one is trained on"),
    (lambda f: draw(f / "c\x1bt" / "0.png", 6, 4), {}, r"Class name 'c\\x1bt' of .* must be text that can be printed"),
    (lambda f: (f / "bee").rename(f.parent / "bee"), {}, "must hold a folder of pictures for each of two or more .* 1"),
    (lambda f: None, {"size": (1 << 20, 1 << 20), "resize": "fit"}, r"has 13,194,139,533,312 bytes of images, more"),
])
def test_what_is_wrong_is_refused(animals, change, form, message):
    change(animals)
    with pytest.raises(Refused, match=message):
        load(animals, **form)


def test_a_picture_is_judged_by_its_header(animals, tmp_path):
    """A file of 68 bytes that declares 60000x60000 pixels."""
    path = animals / "ant" / "2.png"
    picture = bytearray(path.read_bytes())
    picture[16:24] = (60000).to_bytes(4, "big") * 2
    picture[29:33] = zlib.crc32(picture[12:29]).to_bytes(4, "big")
    path.write_bytes(picture)
    with pytest.raises(Refused, match=r"Picture .*2\.png has more than 33,554,432 pixels; scale it down"):
        load(animals)


def test_what_is_neither_folder_nor_archive(tmp_path):
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(Refused, match=r"Unknown dataset '.*x\.txt'; it must be one of digits, .* or of an \.npz file"):
        load(tmp_path / "x.txt")


def test_known_images_are_as_they_are():
    for form, message in ((Form((8, 9)), "are 8x8, not 8x9, .* leave out --size"), (Form((), 3), "1 channels, not 3")):
        with pytest.raises(Refused, match=message):
            load_dataset("digits", Path("nowhere"), form)
    assert load_dataset("digits", Path("nowhere"), Form((8, 8), 1)).image == (8, 8, 1)
