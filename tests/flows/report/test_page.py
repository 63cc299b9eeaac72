"""The page, without the command."""

import re

from flows.report.folder import read_results
from flows.report.page import page
from flows.report.points import Judged

NOTHING = dict.fromkeys(["simulation", "layers", "synthesis", "energy", "waves"])


def test_every_block_of_the_diagram_is_there_for_desk_and_phone(folder, config):
    html = page(read_results(folder, NOTHING), [Judged("a<b", "dense", "d", 50.0, 1000, "s")])
    assert html.count('class="name"') == 2 * 11
    assert html.count(f"64 pixels x {config.rows} rows") == 2
    assert "a&lt;b, d: 50.00 % in 1,000 bytes" in html
    assert re.search("models? of this project", html)


def test_one_model_is_this_model(folder):
    html = page(read_results(folder, NOTHING), [Judged("a", "here", "d", 50.0, 1000, "s")])
    assert "this model" in html
