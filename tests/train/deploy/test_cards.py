"""Cards say what the model file says."""

from spec.model import with_provenance
from spec.synthetic import synthetic_model
from spec.topologies import residual_network, rpg
from train.deploy.cards import Card, index_text

NETWORK = residual_network("n", image=(4, 4, 1), classes=3, widths=(4, 8), iterations=(0, 2))
FACTS = {
    "dataset": "dots", "dataset_sha256": 64 * "a", "held_out_images": 1200, "float_accuracy": 0.875,
    "deployed_accuracy": 0.8725, "epochs": 7, "seed": 9, "calibration": {"rule": "max"},
}


def card(network=NETWORK, picture=None, **facts):
    model = with_provenance(synthetic_model(network, 1), **FACTS | facts)
    return Card("mine", "A title", [["train.fit", "--out", "w"]], model, 4321, picture)


def test_a_card_has_data_accuracy_sizes_and_commands():
    text = card().text()
    weights = sum(layer.weight_count for layer in NETWORK.layers)
    for line in (
        "| data | dots, 1,200 held-out images |", "| accuracy in floating point | 87.50% |",
        "| accuracy deployed (integers) | 87.25% |", f"| weights | {weights:,} |", "| epochs, seed | 7, 9 |",
        "| model file | 4,321 bytes |", f"| stored on chip | {card().model.stored_bytes:,} bytes; {weights:,} as 8-bit",
        "python -m train.fit --out w\n", "python -m sim.run zoo/mine.safetensors --pe 64 --images 1 --fit\n",
    ):
        assert line in text, line


def test_a_card_says_what_it_was_judged_by_and_shows_what_it_does():
    text = card(judged="PCKh@0.5", picture="mine.svg").text()
    assert "| PCKh@0.5 deployed (integers) | 87.25% |" in text
    assert "](mine.svg)\n" in text
    assert "![" not in card().text()


def test_rings_are_named_and_asked_for():
    text = card(rpg(NETWORK, words=9, planes=2)).text()
    assert "144 values, 2 planes |" in text
    assert "--fit --features masks,ring\n" in text


def test_the_index_lists_every_card():
    text = index_text([card(), card()])
    assert text.count("| [mine](mine.md) | A title | 87.50% | 87.25% |") == 2
