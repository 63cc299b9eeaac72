"""The code blocks of two pages, run as a reader would: each prints what the page says that it prints.

They stand here because both pages run the Verilog.
"""

import contextlib
import importlib
import io
import re
from pathlib import Path

import pytest

from spec.files import build_root

ROOT = Path(__file__).parents[1]

#: Language, code, and what the block after it says is printed.
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)


def blocks_of(text):
    """Every block of ``text`` that is run: line it begins in, language, code, and output, None where none is shown."""
    return [(text.count("\n", 0, block.start()) + 2, *block.groups()) for block in _BLOCK.finditer(text)]


def printed(language, code, names):
    """What a block prints; commands are called as ``python -m`` calls them."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        if language == "python":
            exec(compile(code, "<page>", "exec"), names)
        else:
            for _, _, module, *words in (line.split() for line in code.replace("\\\n", "").splitlines()):
                assert importlib.import_module(module).main(words) == 0
    return out.getvalue()


@pytest.mark.parametrize("page", [
    pytest.param("tutorial.md", marks=pytest.mark.xdist_group("waves")),
    pytest.param("howto/python.md", marks=pytest.mark.xdist_group("pe16")),
])
def test_a_page_prints_what_it_says(page, tmp_path, monkeypatch):
    (tmp_path / "zoo").symlink_to(ROOT / "zoo")
    monkeypatch.setenv("FOLDENITE_BUILD", str(build_root()))  # where compiled simulations are
    monkeypatch.chdir(tmp_path)
    names = {}
    for line, language, code, output in blocks_of((ROOT / "docs" / page).read_text()):
        found = printed(language, code, names)
        if language == "python":
            assert found == (output or ""), f"docs/{page}, line {line}"


def test_blocks_are_found_with_their_output():
    text = "```python\nprint(1)\n```\n\n```text\n1\n```\nb\n\n```sh\npython -m x\n```\n\nc\n\n```text\nnot its\n```\n"
    assert blocks_of(text) == [(2, "python", "print(1)\n", "1\n"), (11, "sh", "python -m x\n", None)]
