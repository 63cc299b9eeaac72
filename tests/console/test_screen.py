"""Text on a screen is text."""

import io
import re
from pathlib import Path

from rich.table import Table

from console.screen import screen

ROOT = Path(__file__).parents[2]


def test_markup_and_emojis_have_no_meaning():
    text = io.StringIO()
    console = screen(file=text, width=80)
    table = Table("[b]head", title="[/b] title")
    table.add_row("[/b] :smile: [bold]x")
    console.print(table)
    console.print("[/b] :smile:")
    for shown in ("[b]head", "[/b] title", "[/b] :smile: [bold]x", "[/b] :smile:\n"):
        assert shown in text.getvalue()


def test_every_command_prints_there():
    rooms = ("foldenite", "spec", "console", "train", "rtl", "gen", "sim", "formal", "flows")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    made = [str(path.relative_to(ROOT)) for path in files if re.search(r"\bConsole\(", path.read_text())]
    assert made == ["console/screen.py"]
