"""The pages of the site that are made while it is built: commands from their parsers, the Python reference, the zoo.

A hook of mkdocs (``hooks`` in mkdocs.yml).
"""

import argparse
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from foldenite.__main__ import group_of
from foldenite.commands import COMMANDS, GROUPS, Command

_ROOT = Path(__file__).resolve().parents[1]

#: Packages of the reference, in the order of the folder map, with what each is.
ROOMS = {
    "foldenite": "all of it from Python, and the list of commands",
    "spec": "what every bit means",
    "train": "masks and rings are learned, and made into integers",
    "rtl": "the accelerator",
    "gen": "a model compiled; Verilog emitted; cycles predicted",
    "sim": "the Verilog run and compared",
    "formal": "what is proved of the accelerator",
    "flows": "measurements, synthesis, sweeps, reports",
    "console": "what all commands do alike",
}

#: Pages that lie outside of docs/, and what they show.
_BORROWED = ("CONTRIBUTING.md", "CHANGELOG.md", "zoo/*.md", "zoo/*.svg")

#: Groups of options that every parser has.
_USUAL_GROUPS = ("Positional arguments", "Options")

_COMMANDS_INTRODUCTION = """# Commands

`foldenite` alone lists them, `foldenite build --pe 16` is `python -m gen.build --pe 16`, and `--help` says what stands
here. Exit codes: 0 done, 1 a mismatch or failure, 2 bad input, with one sentence that says what to change.
"""

#: What would be fetched from elsewhere when a page is opened.
_FETCHED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>")


def packages() -> dict[str, list[str]]:
    """Modules of the reference by package, tests left out."""
    found: dict[str, list[str]] = {}
    for room in ROOMS:
        for path in sorted((_ROOT / room).rglob("*.py")):
            module = ".".join(path.relative_to(_ROOT).with_suffix("").parts)
            if not re.search(r"\.(test_\w+|conftest|__init__)$", module):
                found.setdefault(module.rpartition(".")[0], []).append(module)
    return found


def reference_pages() -> dict[str, str]:
    """Text of the pages of the reference, by path: one for each package, and one that lists them."""
    lines = ["# Python", "", "Everything that has a docstring, read from the sources. Read first `spec.numerics`, the"]
    lines += ["arithmetic, `spec.lfsr`, the signs, and `rtl.accelerator`, what is connected to what.", ""]
    pages = {}
    for package, modules in packages().items():
        if package in ROOMS:
            lines += ["", f"## {package}: {ROOMS[package]}", ""]
        lines.append(f"- [{package}]({package}.md): " + ", ".join(f"`{m.rpartition('.')[2]}`" for m in modules))
        pages[f"reference/{package}.md"] = "\n".join([f"# {package}", "", *(f"::: {m}\n" for m in modules)])
    return {"reference/index.md": "\n".join(lines) + "\n"} | pages


def commands_page() -> str:
    """Every command and its options, from its own parser; groups of options that commands share stand once."""
    lines = [_COMMANDS_INTRODUCTION]
    shown: dict[str, str] = {}
    for group, heading in GROUPS.items():
        lines += [f"## {heading}", ""]
        for command in (c for c in COMMANDS if group_of(c) == group):
            lines += [f"### {command.name}", "", f"`python -m {command.module}`: {command.summary}.", ""]
            lines += _options(command, shown)
    return "\n".join(lines)


def _options(command: Command, shown: dict[str, str]) -> Iterator[str]:
    """What ``command`` takes, by the parser of its module."""
    module = importlib.import_module(command.module)
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{command.module}.__main__")
    yield from _listed(module.parser(), command.name, shown)


def _listed(parser: argparse.ArgumentParser, name: str, shown: dict[str, str]) -> Iterator[str]:
    """Options of ``parser`` and of its subcommands; ``shown`` has the command that each group of options stands at."""
    formatter = parser._get_formatter()
    for group in parser._action_groups:
        lines = []
        for action in group._group_actions:
            if isinstance(action, argparse._SubParsersAction):
                for below, sub in action.choices.items():
                    lines += [f"With `{below}`:", "", *_listed(sub, name, shown)]
            elif action.help != argparse.SUPPRESS and action.dest != "help":
                meaning = formatter._expand_help(action) if action.help else ""
                lines += [f"`{formatter._format_action_invocation(action)}`", f":   {_escaped(meaning)}", ""]
        title = (group.title or "").capitalize()
        if not lines:
            continue
        if title not in _USUAL_GROUPS:
            there = shown.setdefault("\n".join(lines), name)
            if there != name:
                yield from (f"{title}: as of [{there}](#{there}).", "")
                continue
            yield from (f"{title}, {group.description}:" if group.description else f"{title}:", "")
        yield from lines


def _escaped(text: str) -> str:
    """``text`` with nothing in it that Markdown would take for its own."""
    return re.sub(r"([\\`*_<\[\]])", r"\\\1", text)


def borrowed_pages() -> dict[str, str]:
    """Pages of the repository that the site shows as they are, by path."""
    paths = [path for pattern in _BORROWED for path in sorted(_ROOT.glob(pattern))]
    return {path.relative_to(_ROOT).as_posix(): path.read_text() for path in paths}


def on_config(config):
    """Put the reference into the navigation."""
    (place,) = (entry for entry in config.nav if "Python" in entry)
    place["Python"] = list(reference_pages())
    return config


def on_files(files, config):
    """Add what is made here to the files of the site."""
    pages = {"commands.md": commands_page()} | reference_pages() | borrowed_pages()
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Turn links out of docs/, as forges follow them, into links to the borrowed pages."""
    above = "../" * page.file.src_uri.count("/")
    return markdown.replace(f"](../{above}", f"]({above}")


def on_post_page(output, page, config):
    """Refuse a page that would fetch something from elsewhere when it is read."""
    if found := _FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri} would fetch {found[0]}; the site must do without a network")
    return output
