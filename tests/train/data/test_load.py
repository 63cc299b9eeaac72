"""Data sets by name: which there are, and where to get what is absent."""

from pathlib import Path

import pytest

from spec.refusal import Refused
from train.data import DATASETS, load_dataset


def test_unknown_dataset_is_refused():
    with pytest.raises(Refused, match="Unknown dataset 'cats'; it must be one of digits, mnist, fashion-mnist"):
        load_dataset("cats", Path("nowhere"))


def test_absent_files_say_where_to_get_them(tmp_path):
    with pytest.raises(Refused, match="apt-get install dataset-fashion-mnist"):
        load_dataset("fashion-mnist", tmp_path)


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "digits"])
def test_every_absent_set_names_its_source(name, tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(Refused, match=r"does not exist.*; --data must name the folder that holds .*, from "):
            load_dataset(name, folder)
