"""Drawings as SVG for a page."""

from console.pages.drawing import INK, NARROW, Drawing, style


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
