"""Images in folders: order, sizes, crops, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from spec.refusal import Refused
from train.data import load_dataset


@pytest.fixture
def folder(tmp_path):
    """Two classes, images of different shapes whose red is their column, green their row, blue their number."""
    for part, count in (("train", 3), ("val", 1)):
        for label, name in enumerate(("ant", "bee")):
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(count):
                height, width = 300 + 100 * i, 400
                pixels = np.zeros((height, width, 3), np.uint8)
                pixels[..., 0] = np.linspace(0, 255, width).astype(np.uint8)
                pixels[..., 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
                pixels[..., 2] = 40 * i + 100 * label
                Image.fromarray(pixels).save(tmp_path / part / name / f"{i}.png")
    return tmp_path


def test_images_in_order_of_class_and_name(folder):
    dataset = load_dataset("imagenet", folder)
    assert dataset.classes == 2
    assert dataset.image == (224, 224, 3)
    assert dataset.train_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert dataset.train_images[:][:, 0, 0, 2].tolist() == [0, 40, 80, 100, 140, 180]
    assert dataset.train_images[np.array([4, 0])][:, 0, 0, 2].tolist() == [140, 0]
    assert dataset.test_images.shape == (2, 224, 224, 3)
    assert dataset.digest == load_dataset("imagenet", folder).digest
    (folder / "val" / "ant" / "1.png").write_bytes((folder / "val" / "ant" / "0.png").read_bytes())
    assert dataset.digest != load_dataset("imagenet", folder).digest


def test_the_middle_is_judged(folder):
    (image, *_) = load_dataset("imagenet", folder).train_images[:1]  # 300x400, so 256x341 before the cut
    assert image.dtype == np.uint8
    left, top = 58 / 341 * 255, 16 / 256 * 255
    assert np.allclose(image[0, 0, :2], [left, top], atol=2)
    assert np.allclose(image[-1, -1, :2], [255 - left, 255 - top], atol=2)


def test_crops_follow_their_draws(folder):
    images = load_dataset("imagenet", folder).train_images
    whole = images.cropped(0, [1.0, 1.0, 0.0, 0.0, 0.9])  # all of the area, 4:3
    assert np.allclose(whole[0, 0, :2], [0, 0], atol=2)
    assert np.allclose(whole[-1, -1, :2], [255, 255], atol=3)
    assert np.array_equal(images.cropped(0, [1.0, 1.0, 0.0, 0.0, 0.1]), whole[:, ::-1])
    corner = images.cropped(0, [0.0, 0.5, 1 - 1e-9, 1 - 1e-9, 0.9])  # 8 % of the area, square, bottom right
    side = (0.08 * 300 * 400) ** 0.5
    assert np.allclose(corner[0, 0, :2], [255 * (1 - side / 400), 255 * (1 - side / 300)], atol=2)
    assert np.allclose(corner[-1, -1, :2], [255, 255], atol=2)


def test_what_is_wrong_is_refused(folder, tmp_path):
    path = folder / "train" / "ant" / "0.png"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(Refused, match=r"Picture .*0\.png cannot be read .*get it again or take it out"):
        load_dataset("imagenet", folder).train_images[:1]
    (folder / "val" / "bee").rename(folder / "val" / "cat")
    with pytest.raises(Refused, match="have different classes"):
        load_dataset("imagenet", folder)
    with pytest.raises(Refused, match=r"does not exist; --data must name the folder that holds ImageNet"):
        load_dataset("imagenet", tmp_path / "nowhere")


def test_a_class_without_images_is_no_data_set(tmp_path):
    for part in ("train", "val"):
        (tmp_path / part / "ant").mkdir(parents=True)
    with pytest.raises(Refused, match="holds no images"):
        load_dataset("imagenet", tmp_path)


def test_validation_images_leave_the_training_set(folder):
    dataset = load_dataset("imagenet", folder).with_validation(1 / 3, seed=1)
    assert (len(dataset.train_images), len(dataset.test_images)) == (4, 2)
    assert not set(dataset.train_images.names) & set(dataset.test_images.names)
    assert len(dataset.test_labels) == 2
