"""The house itself: exported names exist, every module has its test, README's commands and files are real."""

import ast
import contextlib
import enum
import importlib
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("foldenite", "spec", "console", "train", "rtl", "gen", "sim", "formal", "flows")
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
    if path.name not in ("__init__.py", "conftest.py") and path.parent != ROOT / "sim" / "bench"
)
TESTED = [module for module in MODULES if not re.match(r"sim\.test_", module)]


@pytest.mark.parametrize("module", [m for m in MODULES if not m.startswith("sim.test_")])
def test_exported_names_exist_and_are_documented(module):
    loaded = importlib.import_module(module)
    assert loaded.__doc__, f"{module} has no docstring"
    for name in loaded.__all__:
        value = getattr(loaded, name)
        if callable(value) and getattr(value, "__module__", None) == module:
            assert value.__doc__, f"{module}.{name} has no docstring"
        if isinstance(value, enum.EnumMeta):  # Of two equal values an enumeration makes one member with two names.
            assert len(list(value)) == len(value.__members__), f"{module}.{name} has equal values"


@pytest.mark.parametrize("module", [m for m in TESTED if not m.startswith("sim.")])
def test_every_module_is_tested_where_one_looks_for_it(module):
    *rooms, name = module.split(".")
    assert (ROOT / "tests" / Path(*rooms) / f"test_{name.strip('_')}.py").is_file()


PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").rglob("*.md"))

#: Pages that only the site has.
GENERATED = {"commands.md", "reference/index.md"} | {f"reference/{room}.md" for room in ROOMS}


def page_commands():
    text = "\n".join(page.read_text() for page in PAGES)
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.replace("\\\n", "").splitlines()]
    return sorted({line for line in lines if line})


@pytest.mark.parametrize("command", page_commands())
def test_commands_of_pages_exist(command, capsys):
    words = command.split()
    if words[0] == "make":
        assert re.search(rf"^{(words[1:] or ['help'])[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif words[0] == "pytest":
        assert (ROOT / words[1]).is_dir()
    else:
        assert words[:2] == ["python", "-m"]
        module = words[2] if words[2] in MODULES else f"{words[2]}.__main__"
        assert module in MODULES
        subcommand = [word for word in words[3:4] if module.endswith("__main__") and not word.startswith("-")]
        with contextlib.suppress(SystemExit):  # argparse's way to end after the help
            assert importlib.import_module(module).main([*subcommand, "--help"]) == 0
        offered = set(re.findall(r"--[\w-]+", capsys.readouterr().out))
        assert {word for word in words if word.startswith("--")} <= offered


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    """To a file, as a forge follows them, or to a page that the site makes; `make docs` follows anchors, too."""
    links = re.findall(r"\]\((?!http)([^)#\s]+)(?:#[^)\s]*)?\)", page.read_text())
    paths = {link: Path(os.path.normpath(page.parent / link)) for link in links}
    made = {ROOT / "docs" / name for name in GENERATED}
    assert [link for link, path in paths.items() if not path.exists() and path not in made] == []


def test_readme_fits_a_few_screens():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_makefile_stays_small():
    assert len((ROOT / "Makefile").read_text().splitlines()) <= 60


def test_no_source_holds_a_machine_path():
    pattern = re.compile(r"(?<![\w.-])/(?:work|tmp|root|home)/\w")
    files = [path for room in (*ROOMS, "tests", "docs") for path in (ROOT / room).rglob("*")]
    tracked = [path for path in files if path.suffix in (".py", ".md", ".v", ".toml")]
    assert [str(path) for path in tracked if pattern.search(path.read_text())] == []


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("rtl.")])
def test_functions_of_the_accelerator_fit_a_screen_and_take_few_arguments(module):
    tree = ast.parse((ROOT / Path(*module.split("."))).with_suffix(".py").read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert [f.name for f in functions if f.end_lineno - f.lineno + 1 > 60] == []
    counts = {f.name: sum(a.arg not in ("self", "m") for a in (*f.args.args, *f.args.kwonlyargs)) for f in functions}
    assert {name: count for name, count in counts.items() if count > 6} == {}


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith(("rtl.control.", "rtl.weights."))])
def test_widths_come_from_shapes(module):
    """Bytes, words of 32 bits and single bits aside, a width is that of a field, of a port or of a range."""
    tree = ast.parse((ROOT / Path(*module.split("."))).with_suffix(".py").read_text())
    typed = [
        f"{node.lineno}: {node.func.id}({node.args[0].value})" for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args
        and node.func.id in ("Signal", "In", "Out", "unsigned", "signed", "countdown")
        and isinstance(node.args[0], ast.Constant) and node.args[0].value not in (1, 8, 32)
    ]
    assert typed == []
