"""The packages as `pip install .` leaves them, used from another folder: they write there, never beside their code."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spec.files import build_root
from spec.model import save
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Folder into which the packages are installed, from a copy, because the installer builds in the source tree."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for package in ROOT.glob("*/__init__.py"):
        name = package.parent.name
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-compile"]
    subprocess.run([*pip, "--target", str(site), str(source)], check=True, capture_output=True, text=True)
    return site


@pytest.mark.xdist_group("pe16")
def test_everything_is_written_where_one_works(site, tmp_path):
    network = residual_network(
        "tiny", image=(5, 6, 3), classes=10, widths=(8, 12), iterations=(2, 0), mode=Mode.TWO_OF_FOUR
    )
    save(synthetic_model(network, seed=4), tmp_path / "tiny.safetensors")
    installed = sorted(site.rglob("*"))
    environment = os.environ | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("FOLDENITE_BUILD", None)

    def run(*words, **more):
        command = [sys.executable, "-m", *words]
        return subprocess.run(
            command, cwd=tmp_path, env=environment | more, check=True, capture_output=True, text=True
        ).stdout

    run("gen.build", "--pe", "16")
    assert (tmp_path / "build" / "pe16" / "foldenite.v").is_file()
    # Simulations are those of the other tests: the Verilog is the same.
    said = run("sim.run", "tiny.safetensors", "--pe", "16", "--images", "1", FOLDENITE_BUILD=str(build_root()))
    assert str(build_root()) in said.replace("\n", "")
    assert sorted(site.rglob("*")) == installed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["build", "tiny.safetensors"]
