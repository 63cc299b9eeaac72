"""Files of networks with rings: what is in them, how large they are, and that they are enough."""

import json

import pytest
import torch

from spec.refusal import Refused
from train.studies import storage
from train.studies.storage import state_of, untrained


@pytest.fixture
def pictures():
    return torch.randint(0, 256, (1, 224, 224, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))


def test_files_and_their_sizes(tmp_path, capsys):
    out = tmp_path / "out"
    assert storage.main(["--width", "8", "--dofs", "0,80000,32000", "--out", str(out), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["dof"], row["form"]) for row in rows] == [
        (0, "float32"), *((dof, form) for dof in (80000, 32000) for form in ("float32", "int8 ring"))
    ]
    files = {path.stat().st_size for path in out.glob("*.pt")}
    assert {row["bytes"] for row in rows} == files
    assert rows[1]["bytes"] - rows[3]["bytes"] == pytest.approx(4 * 48000, rel=0.02)  # A float for each value.
    assert rows[1]["bytes"] - rows[2]["bytes"] == pytest.approx(3 * 80000, rel=0.02)
    drawn = sum(slot.weight_count for slot in untrained(80000, 8).rings[0].slots)
    assert rows[0]["bytes"] - rows[1]["bytes"] == pytest.approx(4 * (drawn - 80000), abs=20_000)
    assert all(row["paper_mib"] is None for row in rows)  # Of another width.


def test_a_file_and_the_seed_are_the_network(tmp_path, pictures):
    model = untrained(1600, 4).eval()
    with torch.no_grad():
        torch.manual_seed(5)
        model.rings[0].free.normal_(0, 0.06)
        torch.save(state_of(model, False), tmp_path / "a.pt")
        other, wrong = untrained(1600, 4).eval(), untrained(1600, 4, net_seed=1).eval()
        for each in (other, wrong):
            each.load_state_dict(torch.load(tmp_path / "a.pt"))
        assert torch.equal(other(pictures), model(pictures))
        assert not torch.allclose(wrong(pictures), model(pictures), rtol=0.1)


def test_eight_bits_are_stored_with_their_step():
    model = untrained(1600, 4)
    before = model.rings[0].free.detach().clone()
    values, step = state_of(model, True)["ring.ring"]
    assert values.dtype == torch.int8
    assert (values * step - before).abs().max() <= step


@pytest.mark.parametrize("dofs", ["17", ""])
def test_impossible_rings_are_refused(dofs, tmp_path):
    with pytest.raises(Refused, match="--dofs must be multiples of 16, at least one"):
        storage.main(["--dofs", dofs, "--out", str(tmp_path)])


def test_the_paper_s_network_without_a_ring(tmp_path, capsys):
    assert storage.main(["--dofs", "0", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert " 44.67 " in printed
    assert " 45 " in printed
