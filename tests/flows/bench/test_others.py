"""Published figures to show beside ours."""

from flows.bench.others import systems


def test_every_system_has_an_accuracy_and_a_source():
    assert all(system.top1 > 80 and system.source and system.part for system in systems())
    assert {(system.name, system.part) for system in systems()} >= {
        ("ResNet20, HLS", "KV260"), ("FINN CNV-W1A1", "Arty A7"), ("FracBNN", "Ultra96"), ("STM32U3", "chip"),
    }


def test_the_goal_is_what_the_zedboard_does():
    (zedboard,) = (system for system in systems() if system.part == "ZedBoard")
    assert (zedboard.images_per_s, zedboard.lut, zedboard.dsp, zedboard.mhz) == (2431, 47000, 211, 143)
    assert zedboard.uj_per_image is None
