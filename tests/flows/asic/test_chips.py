"""Published figures to show beside ours."""

from flows.asic.chips import published


def test_every_chip_has_a_node_and_a_source():
    chips = published()
    assert [chip.tops_per_w for chip in chips if chip.name.startswith("Hiddenite")] == [34.8, 16.0]
    assert all(chip.node.endswith(" nm") and chip.note and chip.source for chip in chips)
    assert {chip.name: chip.uj_per_image for chip in chips if chip.uj_per_image} == {
        "TCN-CUTIE, CIFAR-10": 2.72, "BinarEye, CIFAR-10": 14.4
    }
