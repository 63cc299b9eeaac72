"""Processes: one alone, and two that add."""

import json
import os
import subprocess
import sys

import pytest
import torch

from spec.refusal import Refused
from train.loop.processes import Processes

SCRIPT = """
import json, sys, torch
from train.loop.processes import Processes
processes = Processes.start("cpu")
floats = torch.tensor([1.5, 2.0]) * (processes.rank + 1)
matrix = torch.full((2, 2), processes.rank, dtype=torch.int64)
more = torch.tensor(float(processes.rank))
processes.add([floats, matrix, more])
with open(f"{sys.argv[1]}/{processes.rank}.json", "w") as file:
    json.dump([processes.rank, processes.world, processes.leads, floats.tolist(), matrix.tolist(), more.item()], file)
processes.stop()
"""


def test_one_process_adds_nothing():
    alone = Processes.start("cpu")
    assert (alone.rank, alone.world, alone.leads, alone.device.type) == (0, 1, True, "cpu")
    tensor = torch.ones(3)
    alone.add([tensor])
    alone.stop()
    assert torch.equal(tensor, torch.ones(3))


@pytest.mark.slow  # tests/train/test_fit.py trains with them
def test_two_processes_get_the_sums(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script),
         str(tmp_path)],
        check=True, env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}, stderr=subprocess.DEVNULL,
    )
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    sums = [[4.5, 6.0], [[1, 1], [1, 1]], 1.0]
    assert found == [[0, 2, True, *sums], [1, 2, False, *sums]]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_where_there_is_none_is_refused():
    assert Processes.start("auto").device.type == "cpu"
    with pytest.raises(Refused, match="Option --device cuda needs a GPU, but torch finds none here; give --device cpu"):
        Processes.start("cuda")
