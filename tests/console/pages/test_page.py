"""How a page is put together."""

import jinja2
import pytest

from console.pages.page import both_widths, render


def test_a_page_is_of_its_template_and_those_beside_it(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "part.html.j2").write_text("a part")
    template = tmp_path / "mine.html.j2"
    body = '{% include "part.html.j2" %}{{ own }}'
    template.write_text('{% extends "base.html.j2" %}{% block body %}' + body + "{% endblock %}")
    page = render(template, [tmp_path / "there"], own="<b>")
    assert page.startswith("<!DOCTYPE html>")
    assert "a part&lt;b&gt;" in page
    with pytest.raises(jinja2.UndefinedError, match="own"):
        render(template, [tmp_path / "there"])
    with pytest.raises(jinja2.TemplateNotFound, match="part"):
        render(template, own="")


def test_both_widths():
    drawn = both_widths(lambda *values: f"{values}", 1, 2)
    assert drawn["wide"] != drawn["narrow"]
    assert all(text.startswith("(1, 2, ") for text in drawn.values())
