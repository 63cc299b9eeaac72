"""`make` installs with uv where it can ask for a build of torch, else with pip (stand-ins); what others install."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PIP_SAYS = "uv cannot choose a build of torch here; plain pip installs"


def make(folder, python):
    """`make .venv/.installed`, as if no other make had started it: one that had would add its own lines."""
    inherited = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    return subprocess.run(
        ["make", ".venv/.installed", f"PYTHON={python}"], cwd=folder, capture_output=True, text=True, check=False,
        env={name: value for name, value in os.environ.items() if name not in inherited},
    )


#: Stand-ins for programs write down how they are called, and fail if their last word is one of these.
PROGRAM = '#!/bin/sh\necho {name} "$@" >> log\nfor last; do :; done\ncase "$last" in {fails}) exit 1;; esac\n'


def executable(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.parametrize(("pip_fails", "uv_fails", "installs"), [
    ("uv", None, ["pip"]),  # there is no uv to be had
    ("-", "torch", ["pip"]),  # the index of torch is out of reach
    ("-", ".\\[dev\\]", ["uv", "pip"]),  # a package is
    ("-", "-", ["uv"]),
])
def test_uv_where_it_can_and_pip_where_not(pip_fails, uv_fails, installs, tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    executable(tmp_path / "programs" / "pip", PROGRAM.format(name="pip", fails=pip_fails))
    if uv_fails is not None:
        executable(tmp_path / "programs" / "uv", PROGRAM.format(name="uv", fails=uv_fails))
    python = tmp_path / "python"
    executable(python, "#!/bin/sh\nmkdir .venv && cp -r programs .venv/bin\n")
    result = make(tmp_path, python)
    assert result.returncode == 0, result.stderr
    calls = (tmp_path / "log").read_text().splitlines()
    assert [call.split()[0] for call in calls if call.endswith("-e .[dev]")] == installs
    assert (PIP_SAYS in result.stdout.splitlines()) is ("pip" in installs)
    assert all("--torch-backend=auto" in call for call in calls if call.startswith("uv "))
    assert (tmp_path / ".venv" / ".installed").exists()


def test_a_failed_install_is_tried_again(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    for _ in range(2):
        assert make(tmp_path, "false").returncode == 2
    assert not (tmp_path / ".venv" / ".installed").exists()


def test_a_package_of_others_called_tests_does_not_hide_ours(tmp_path):
    """As pyverilog, which the extra ``nngen`` brings, installs one."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").touch()
    found = subprocess.run(
        [sys.executable, "-c", "import tests.fuzz; print(tests.fuzz.__file__)"], cwd=ROOT, capture_output=True,
        text=True, check=True, env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert Path(found.stdout.strip()) == ROOT / "tests" / "fuzz" / "__init__.py"
