"""The drawing of budgets, as a file."""

from xml.etree import ElementTree

from foldenite.budget.drawing import COSTS, budgets


def test_every_network_is_in_both_panels_with_what_it_costs():
    rows = [
        {"mode": mode, "width": 8, "folds": 2, "accuracy": accuracy, "bytes": cost, "cycles": 3 * cost}
        for mode, accuracy, cost in (("any", 0.8, 2000), ("1of4", 0.75, 1000))
    ]
    root = ElementTree.fromstring(budgets(rows, "a title"))
    tips = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert tips == 2 * [
        "any, width 8, 2 runs of a block: 80.00%, 2,000 bytes, 6,000 cycles",
        "1of4, width 8, 2 runs of a block: 75.00%, 1,000 bytes, 3,000 cycles",
    ]
    words = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"a title", "any", "1of4", *COSTS.values()} <= words
