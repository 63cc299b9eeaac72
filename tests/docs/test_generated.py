"""Pages that are made while the site is built, and the Markdown that is written by hand."""

import argparse
import importlib
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from mkdocs.exceptions import PluginError

from console.command import CommandParser, Whole
from docs import generated
from foldenite.commands import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "zoo").glob("*.md"))]


@pytest.fixture(scope="module")
def commands():
    """Text of the page by name of the command."""
    sections = re.split(r"^### (\S+)\n", generated.commands_page(), flags=re.MULTILINE)
    return dict(zip(sections[1::2], sections[2::2], strict=True))


def test_every_command_is_on_the_page_in_the_order_of_the_list(commands):
    groups = [generated.group_of(command) for command in COMMANDS]
    in_order = sorted(COMMANDS, key=lambda command: list(generated.GROUPS).index(groups[COMMANDS.index(command)]))
    assert list(commands) == [command.name for command in in_order]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_option_is_on_the_page(command, commands, capsys):
    module = importlib.import_module(command.module)
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{command.module}.__main__")
    with pytest.raises(SystemExit):
        module.main(["--help"])
    offered = set(re.findall(r"--[a-z][\w-]+", capsys.readouterr().out)) - {"--help"}
    text = commands[command.name]
    text += "".join(commands[name] for name in re.findall(r"as of \[(\S+)\]", text))
    assert offered <= set(re.findall(r"--[a-z][\w-]+", text))


def parsed(**options):
    parser = CommandParser(prog="x")
    group = parser.add_argument_group("build", "of wood")
    group.add_argument("--pe", **options)
    return parser


def test_options_are_lists_and_groups_stand_once():
    shown = {}
    first = list(generated._listed(parsed(type=Whole(1, 4), default=2, help="PEs_ *or* [so]"), "one", shown))
    meaning = r":   PEs\_ \*or\* \[so\] \[1 to 4\]"
    assert first == ["Build, of wood:", "", "`--pe PE`", meaning, ""]
    again = list(generated._listed(parsed(type=Whole(1, 4), default=2, help="PEs_ *or* [so]"), "two", shown))
    assert again == ["Build: as of [one](#one).", ""]
    other = list(generated._listed(parsed(help="another"), "three", shown))
    assert other == ["Build, of wood:", "", "`--pe PE`", ":   another", ""]


def test_subcommands_have_their_options_and_what_is_hidden_stays_hidden():
    parser = CommandParser(prog="x")
    parser.add_argument("--hidden", help=argparse.SUPPRESS)
    below = parser.add_subparsers().add_parser("methods")
    below.add_argument("model", help="a file")
    assert list(generated._listed(parser, "x", {})) == ["With `methods`:", "", "`model`", ":   a file", ""]


def test_every_module_is_in_the_reference_and_tests_are_not():
    pages = generated.reference_pages()
    shown = set(re.findall(r"^::: (\S+)$", "\n".join(pages.values()), re.MULTILINE))
    paths = [path for room in generated.ROOMS for path in (ROOT / room).rglob("*.py")]
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths}
    assert shown == {module for module in modules if not re.search(r"\.(__init__|conftest|test_\w+)$", module)}
    assert {"spec.numerics", "rtl.lane.accumulator", "sim.run"} <= shown
    assert set(re.findall(r"\]\((\S+)\)", pages["reference/index.md"])) == {
        path.removeprefix("reference/") for path in pages if path != "reference/index.md"
    }


@pytest.mark.parametrize("tag", [
    '<script src="https://elsewhere/x.js"></script>', "<script async src=//elsewhere/x.js></script>",
    '<link rel="stylesheet" href="http://elsewhere/x.css">', '<img alt="x" src="https://elsewhere/x.png">',
])
def test_a_page_that_fetches_from_elsewhere_is_refused(tag):
    page = SimpleNamespace(file=SimpleNamespace(src_uri="a.md"))
    with pytest.raises(PluginError, match=r"^a\.md would fetch <"):
        generated.on_post_page(f"<p>{tag}</p>", page, None)


def test_a_page_that_fetches_nothing_stays():
    page = SimpleNamespace(file=SimpleNamespace(src_uri="a.md"))
    text = '<a href="https://elsewhere">there</a><script src="assets/x.js"></script><img src="a.svg">'
    assert generated.on_post_page(text, page, None) == text


@pytest.mark.parametrize(("path", "text", "expected"), [
    ("index.md", "[a](../zoo/README.md) [b](tutorial.md)", "[a](zoo/README.md) [b](tutorial.md)"),
    ("howto/check.md", "[a](../../CONTRIBUTING.md) [b](../tutorial.md)", "[a](../CONTRIBUTING.md) [b](../tutorial.md)"),
])
def test_links_to_borrowed_pages_are_those_of_the_site(path, text, expected):
    page = SimpleNamespace(file=SimpleNamespace(src_uri=path))
    assert generated.on_page_markdown(text, page, None, None) == expected


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.is_relative_to(ROOT / "docs")], ids=lambda page: page.name
)
def test_code_fits_the_page(page):
    """At 1200 pixels a block of code shows some 90 characters; what is printed may be scrolled."""
    blocks = re.findall(r"^```(?:sh|python)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    assert [line for block in blocks for line in block.splitlines() if len(line) > 90] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_was_measured_on_the_copy_of_cifar_says_so(page):
    text = page.read_text()
    measured = "| [cifar10-" in text or "| cifar10-" in text or text.startswith("# cifar10-")
    assert not measured or "CIFAR-10 (JPEG q75 copy)" in text


def test_the_glossary_explains_every_word_once():
    words = re.findall(r"^\*\*([^*]+)\*\*", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    assert len(words) > 40
    assert len(set(words)) == len(words)
