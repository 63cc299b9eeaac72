"""Drawings as SVG for a page."""

from xml.etree import ElementTree

from console.pages.drawing import INK, NARROW, Drawing, standalone, style


def test_a_drawing_takes_the_ink_of_its_page_and_says_its_numbers():
    with style():
        drawing = Drawing(NARROW, 1.0, 'A "title"')
        mark, = drawing.figure.add_subplot().plot([0, 1], [0, 1])
        drawing.tip(mark, "1 < 2")
        svg = drawing.svg()
    assert svg.startswith("<svg viewBox=")
    assert 'aria-label="A &quot;title&quot;"' in svg
    assert "<title>1 &lt; 2</title>" in svg
    assert "currentColor" in svg
    assert INK not in svg
    assert "width=" not in svg[: svg.index(">")]  # it fills what it is given
    assert "http" not in svg  # a page works offline, and says so to whoever searches it


def test_a_file_of_its_own_says_its_colours():
    with style():
        drawing = Drawing(NARROW, 1.0, "A")
        mark, = drawing.figure.add_subplot().plot([0, 1], [0, 1])
        drawing.tip(mark, "here")
        root = ElementTree.fromstring(standalone(drawing.svg()))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("style") == "background:white;color:#222"
    assert "here" in [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
