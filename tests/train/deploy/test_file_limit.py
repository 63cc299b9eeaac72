"""What is too large for a zoo is refused."""

from pathlib import Path

import pytest

from spec.refusal import Refused
from train.deploy.file_limit import FILE_LIMIT, check_sizes


def test_what_is_below_the_limit_is_taken():
    check_sizes("one", {Path("a/one.safetensors"): FILE_LIMIT - 1, Path("a/one.vectors.safetensors"): 0})


@pytest.mark.parametrize(("size", "told"), [(FILE_LIMIT, "16.0"), (40 << 20, "40.0")])
def test_one_that_is_not_is_named_with_what_helps(size, told):
    with pytest.raises(Refused) as refusal:
        check_sizes("one", {Path("a/one.safetensors"): 5, Path("a/one.vectors.safetensors"): size})
    assert str(refusal.value) == (
        f"File one.vectors.safetensors of model one takes {told} MiB, but files of a zoo must be below 16 MiB, so "
        "nothing of it is kept; list a narrower network, or fewer --vectors"
    )
