"""Batches and variations: a function of seed and epoch, shared equally, in memory and in files."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from spec.refusal import Refused
from train.data import Dataset, load_dataset
from train.data.augment import Augmentation
from train.data.batches import Batches

CPU = torch.device("cpu")
PAPER = Augmentation(pad=2, mirror=True)


@pytest.fixture(scope="module")
def dataset():
    rng = np.random.default_rng(1)
    images = rng.integers(1, 256, (50, 6, 5, 3), dtype=np.uint8)
    labels = np.arange(50)
    return Dataset("t", images, labels, images[:10], labels[:10], 50)


def batches(dataset, **options):
    return Batches(dataset, **{"batch": 8, "seed": 3, "augmentation": PAPER, "device": CPU} | options)


def joined(part, epoch=0):
    images, labels = zip(*part.epoch(epoch), strict=True)
    return torch.cat(images), torch.cat(labels)


def test_an_epoch_has_every_image_at_most_once(dataset):
    plain = batches(dataset, augmentation=Augmentation())
    images, labels = joined(plain)
    assert len(plain) == 6
    assert len(set(labels.tolist())) == len(labels) == 48
    assert torch.equal(images, torch.from_numpy(dataset.train_images)[labels])


def test_epochs_are_drawn_from_seed_and_number(dataset):
    first, again = joined(batches(dataset), 4), joined(batches(dataset), 4)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    for other in (joined(batches(dataset), 5), joined(batches(dataset, seed=4), 4)):
        assert not torch.equal(first[1], other[1])


@pytest.mark.parametrize("world", [2, 4])
def test_processes_share_every_batch(dataset, world):
    whole = list(batches(dataset).epoch(2))
    parts = [list(batches(dataset, rank=rank, world=world).epoch(2)) for rank in range(world)]
    for step, (images, labels) in enumerate(whole):
        assert torch.equal(images, torch.cat([part[step][0] for part in parts]))
        assert torch.equal(labels, torch.cat([part[step][1] for part in parts]))


def test_mirrors_alternate(dataset):
    """Half the images are swapped in even epochs, the others in odd ones."""
    part = batches(dataset, augmentation=Augmentation(mirror=True, alternate=True))
    originals = torch.from_numpy(dataset.train_images)
    swapped = []
    for epoch in range(3):
        images, labels = joined(part, epoch)
        plain = (images == originals[labels]).flatten(1).all(1)
        assert torch.equal(images[~plain], originals[labels[~plain]].flip(2))
        swapped.append(dict(zip(labels.tolist(), (~plain).tolist(), strict=True)))
    assert 10 < sum(swapped[0].values()) < 38
    for label in set(swapped[0]) & set(swapped[1]) & set(swapped[2]):
        assert swapped[0][label] is not swapped[1][label]
        assert swapped[0][label] is swapped[2][label]


def test_images_are_shrunk_on_request(dataset):
    part = batches(dataset, augmentation=Augmentation())
    small, labels = (torch.cat(all_of) for all_of in zip(*part.epoch(1, side=3), strict=True))
    whole, same_labels = joined(part, 1)
    assert small.shape == (48, 4, 3, 3)  # of 6x5
    assert small.dtype == torch.uint8
    assert torch.equal(labels, same_labels)
    assert abs(small.double().mean() - whole.double().mean()) < 2
    assert torch.equal(whole, torch.from_numpy(dataset.train_images)[labels])


def test_impossible_batches_are_refused(dataset):
    for batch in (0, 51):
        with pytest.raises(Refused, match=f"--batch must be from 1 to 50, the training images of t, not {batch}"):
            batches(dataset, batch=batch)
    with pytest.raises(Refused, match="--batch must be a multiple of the 3 processes that share it, not 8"):
        batches(dataset, world=3)


@pytest.mark.parametrize("workers", [0, 2])
def test_images_in_files_come_in_the_same_order(workers, tmp_path):
    for part, count in (("train", 12), ("val", 1)):
        (tmp_path / part / "grey").mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (8, 8), (20 * i,) * 3).save(tmp_path / part / "grey" / f"{i:02}.png")
    dataset = dataclasses.replace(load_dataset("imagenet", tmp_path), train_labels=np.arange(12))
    in_memory = dataclasses.replace(dataset, train_images=np.zeros((12, 224, 224, 3), np.uint8))
    for rank in (0, 1):
        images, labels = joined(batches(dataset, batch=4, rank=rank, world=2, workers=workers), 1)
        assert images.shape == (6, 224, 224, 3)
        assert images[:, 0, 0, 0].tolist() == (20 * labels).tolist()
        same = batches(in_memory, batch=4, rank=rank, world=2, augmentation=Augmentation())
        assert torch.equal(joined(same, 1)[1], labels)
