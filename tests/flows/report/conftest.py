"""A build with a model, as gen.build writes it, and results to lay beside it."""

import json
import shutil
from pathlib import Path

import pytest

from gen.build import build
from spec.config import config_for
from spec.model import with_provenance
from spec.synthetic import synthetic_model
from spec.topologies import residual_network


@pytest.fixture(scope="session")
def config():
    """The build's configuration."""
    return config_for(16)


@pytest.fixture(scope="session")
def built(tmp_path_factory, config):
    """The build; tests work on copies (:func:`folder`)."""
    network = residual_network("mine", image=(4, 4, 1), classes=3, widths=(4, 8), iterations=(0, 2))
    model = with_provenance(
        synthetic_model(network, 1), dataset="dots", deployed_accuracy=0.75, float_accuracy=0.76, held_out_images=1200
    )
    out = tmp_path_factory.mktemp("report") / "build"
    build(config, out, model)
    return out


@pytest.fixture
def folder(built, tmp_path):
    """A copy of the build."""
    return Path(shutil.copytree(built, tmp_path / "build"))


@pytest.fixture
def put():
    """``put(path, data)``: write ``data`` as JSON and return the path."""
    def write(path, data):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data))
        return path

    return write
