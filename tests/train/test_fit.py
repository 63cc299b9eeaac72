"""Runs are functions of their settings, whatever happens on the way."""

import json
import math
import os
import signal
import subprocess
import sys

import pytest
import torch

from spec.files import write_bytes
from spec.refusal import Refused
from train import fit
from train.loop import checkpoint, step
from train.loop.recipe import Recipe
from train.loop.step import learning_rate
from train.loop.trainer import accuracy

TIMES = ("seconds", "images_per_s")


def same(one, other):
    """Whether two checkpoint states hold the same bits, times aside."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one if key not in TIMES)
    if isinstance(one, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return one == other


def log(out):
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


#: ``train.fit``, whose process is killed by the system before its third checkpoint is written.
DIES_IN_EPOCH_THREE = """
import os, signal, sys
from train import fit
from train.loop import checkpoint

def save(path, state):
    if state["epoch"] == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    written(path, state)

written, checkpoint.save = checkpoint.save, save
fit.main(sys.argv[1:])
"""


class Killed(BaseException):
    """What a test stops a run with."""


def stop_after(monkeypatch, epochs):
    """Let the run die right after the checkpoint of ``epochs``."""
    def save(path, state):
        checkpoint_save(path, state)
        if state["epoch"] == epochs:
            raise Killed

    checkpoint_save = checkpoint.save
    monkeypatch.setattr(checkpoint, "save", save)


@pytest.fixture(scope="module")
def uninterrupted(tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("uninterrupted")
    fit.main([*tiny, "--epochs", "4", "--out", str(out)])
    return out


def test_same_settings_same_bytes(tiny, tmp_path, uninterrupted):
    """Of the checkpoint, so that its digest says what was trained; times are in the log."""
    fit.main([*tiny, "--epochs", "4", "--out", str(tmp_path)])
    paths = [folder / "checkpoint.pt" for folder in (tmp_path, uninterrupted)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert checkpoint.digest(paths[0]) == checkpoint.digest(paths[1])
    assert all(record.keys().isdisjoint(TIMES) for record in checkpoint.load(paths[0])["history"])
    assert all(record.keys() >= set(TIMES) for record in log(tmp_path))


@pytest.mark.parametrize("stop", [2, 4])
def test_resumed_run_ends_in_the_same_bits(tiny, tmp_path, uninterrupted, monkeypatch, stop):
    arguments = [*tiny, "--epochs", "4", "--out", str(tmp_path)]
    with monkeypatch.context() as patch:
        stop_after(patch, stop)
        with pytest.raises(Killed):
            fit.main(arguments)
    assert checkpoint.load(tmp_path / "checkpoint.pt")["epoch"] == stop
    assert len(log(tmp_path)) == stop
    times = [line["seconds"] for line in log(tmp_path)]
    assert fit.main([*arguments, "--resume"]) == 0
    assert (tmp_path / "checkpoint.pt").read_bytes() == (uninterrupted / "checkpoint.pt").read_bytes()
    assert [line["epoch"] for line in log(tmp_path)] == [1, 2, 3, 4]
    assert same(log(tmp_path), log(uninterrupted))
    assert [line["seconds"] for line in log(tmp_path)][:stop] == times


def test_killed_process_resumes_to_the_same_bits(tiny, tmp_path):
    settings = [*tiny, "--epochs", "8"]
    command = [sys.executable, "-c", DIES_IN_EPOCH_THREE, *settings, "--out", str(tmp_path / "killed")]
    process = subprocess.run(
        command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL, check=False
    )
    assert process.returncode == -signal.SIGKILL
    assert checkpoint.load(tmp_path / "killed" / "checkpoint.pt")["epoch"] == 2
    assert len(log(tmp_path / "killed")) == 3  # Of an epoch that is lost.
    fit.main([*settings, "--out", str(tmp_path / "killed"), "--resume"])
    fit.main([*settings, "--out", str(tmp_path / "whole")])
    assert same(
        checkpoint.load(tmp_path / "killed" / "checkpoint.pt"), checkpoint.load(tmp_path / "whole" / "checkpoint.pt")
    )


#: ``train.fit`` that says when it begins to train, and then waits to be told to go on.
WAITS = """
import sys
from train import fit
from train.loop.trainer import Trainer

def run(self):
    print("training", flush=True)
    sys.stdin.readline()
    return trained(self)

trained, Trainer.run = Trainer.run, run
fit.main(sys.argv[1:])
"""


def test_two_runs_into_one_folder_at_a_time_are_refused(tiny, tmp_path):
    """The second is, before there is a checkpoint; the first ends as if it were alone. Killed, it blocks nobody."""
    arguments = [*tiny, "--epochs", "1", "--out", str(tmp_path)]
    command = [sys.executable, "-c", WAITS, *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    for killed in (True, False):
        with subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, **pipes) as first:
            try:
                assert first.stdout.readline() == "training\n"
                for option in ([], ["--overwrite"]):
                    with pytest.raises(Refused, match=r"^Another process is writing to the folder \S+; wait until"):
                        fit.main([*arguments, *option])
            finally:
                if killed:
                    first.kill()
            assert killed or first.communicate("\n")[0].startswith("held-out accuracy")
    assert checkpoint.load(tmp_path / "checkpoint.pt")["epoch"] == 1


def test_a_second_run_loses_no_checkpoint_unasked(tiny, tmp_path):
    """The remedies that are named work: going on, beginning anew, another folder."""
    arguments = [*tiny, "--epochs", "1", "--out", str(tmp_path / "a")]
    fit.main(arguments)
    path = tmp_path / "a" / "checkpoint.pt"
    first, written = path.read_bytes(), path.stat().st_mtime_ns
    for other in ([], ["--seed", "1"]):
        with pytest.raises(Refused, match=r"would be lost; give --resume to go on from it, --overwrite to train anew,"):
            fit.main([*arguments, *other])
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (first, written)
    fit.main([*arguments, "--resume"])
    assert path.read_bytes() == first
    fit.main([*arguments, "--seed", "1", "--overwrite"])
    assert checkpoint.load(path)["settings"]["seed"] == 1
    fit.main([*arguments, "--overwrite"])
    assert path.read_bytes() == first
    fit.main([*arguments[:-1], str(tmp_path / "b")])
    assert (tmp_path / "b" / "checkpoint.pt").read_bytes() == first


def test_a_damaged_checkpoint_is_replaced_when_told_so(tiny, tmp_path):
    arguments, path = [*tiny, "--epochs", "1", "--out", str(tmp_path)], tmp_path / "checkpoint.pt"
    path.write_bytes(b"PK damaged, and longer than a digest of 32 bytes")
    with pytest.raises(Refused, match=r"is damaged or truncated \(SHA-256 differs\); train again with --overwrite"):
        fit.main([*arguments, "--resume"])
    with pytest.raises(Refused, match="would be lost"):
        fit.main(arguments)
    fit.main([*arguments, "--overwrite"])
    assert checkpoint.load(path)["epoch"] == 1


def test_an_average_is_resumed_to_the_same_bytes(tiny, tmp_path, monkeypatch):
    arguments = [*tiny, "--average", "0.9", "--out"]
    fit.main([*arguments, str(tmp_path / "whole")])
    with monkeypatch.context() as patch:
        stop_after(patch, 1)
        with pytest.raises(Killed):
            fit.main([*arguments, str(tmp_path / "part")])
    fit.main([*arguments, str(tmp_path / "part"), "--resume"])
    assert len({(tmp_path / name / "checkpoint.pt").read_bytes() for name in ("whole", "part")}) == 1


def test_resuming_with_other_threads_is_refused(tiny, tmp_path):
    """The bits depend on them; with those that are named it goes on."""
    arguments = [*tiny, "--epochs", "1", "--out", str(tmp_path)]
    try:
        fit.main([*arguments, "--threads", "2"])
        with pytest.raises(Refused, match="with --threads 2, not --threads 1, on which the bits depend; resume with -"):
            fit.main([*arguments, "--resume"])
        assert fit.main([*arguments, "--resume", "--threads", "2"]) == 0
    finally:
        torch.set_num_threads(1)


def test_finished_run_resumes_to_itself(tiny, uninterrupted):
    before = (uninterrupted / "checkpoint.pt").read_bytes()
    assert fit.main([*tiny, "--epochs", "4", "--out", str(uninterrupted), "--resume"]) == 0
    assert (uninterrupted / "checkpoint.pt").read_bytes() == before


@pytest.mark.parametrize(("change", "message"), [
    (["--lr", "0.01"], r"--lr 0.003, not 0.01"),
    (["--epochs", "5"], r"--epochs 4, not 5"),
    (["--net-seed", "1"], r"--net-seed 0, not 1"),
    (["--mode", "2of4"], r"--mode any, not 2of4"),
    (["--widths", "4,16"], r"--widths \(4, 8\), not \(4, 16\)"),
    (["--affine"], r"--affine False, not True"),
    (["--method", "hnn"], r"--method hfn, not hnn"),
    (["--norm", "sbn"], r"--norm ubn, not sbn"),
])
def test_resuming_with_other_settings_is_refused(tiny, uninterrupted, change, message):
    with pytest.raises(Refused, match=f"checkpoint.pt was trained with {message}; resume with the same settings"):
        fit.main([*tiny, "--epochs", "4", *change, "--out", str(uninterrupted), "--resume"])


@pytest.mark.parametrize(("change", "message"), [
    ({"dataset_sha256": "0"}, "trained on other images than digits now holds"),
    ({"versions": {"torch": "1.0", "numpy": "1.0"}}, "would not be reproducible"),
])
def test_resuming_elsewhere_is_refused(tiny, tmp_path, uninterrupted, change, message):
    checkpoint.save(tmp_path / "checkpoint.pt", checkpoint.load(uninterrupted / "checkpoint.pt") | change)
    with pytest.raises(Refused, match=message):
        fit.main([*tiny, "--epochs", "4", "--out", str(tmp_path), "--resume"])


@pytest.mark.parametrize(("arguments", "message"), [
    (["--dataset", "cats"], "Unknown dataset 'cats'"),
    (["--mode", "3of4"], "Option --mode must be one of any, 2of4, 1of4, max1of4, not '3of4'"),
    (["--epochs", "0"], "Option --epochs must be from 1 to"),
    (["--batch", "0"], "Option --batch must be from 1 to"),
    (["--batch", "1348"], "Setting --batch must be from 1 to 1347, the training images of digits, not 1348"),
    (["--accumulate", "3"], r"Setting --batch must be a multiple of accumulate \(3\), not 64"),
    (["--lr", "0"], "Option --lr must be more than 0 and at most 10, not 0; see"),
    (["--lr", "nan"], "Option --lr must be more than 0 and at most 10, not nan"),
    (["--recipe", "nothing"], "There is no recipe 'nothing'; give a .toml file or one of adam-minute, budget-cifar"),
    (["--validation", "1.5"], "Option --validation must be at least 0 and less than 1, not 1.5"),
    (["--threads", "0"], "Option --threads must be from 1 to"),
    (["--resume", "--overwrite"], "Option --overwrite not allowed with argument --resume"),
    (["--dataset", "mnist", "--data", "nowhere"], "--data must name the folder that holds the four IDX files of MNIST"),
    (["--seed", "-1"], "Option --seed must be from 0 to 2147483647, not -1"),
    (["--net-seed", "-1"], "Option --net-seed must be from 0"),
    (["--density", "0"], "Option --density must be more than 0 and at most 1, not 0"),
    (["--widths", "4"], "one iteration count per stage width"),
    (["--mode", "1of4", "--widths", "6,8"], "Layer stage1.entry.conv1 has 6 input channels"),
    (["--resume"], "checkpoint.pt does not exist"),
])
def test_bad_settings_are_refused(tiny, tmp_path, arguments, message):
    with pytest.raises(Refused, match=message):
        fit.main([*tiny, "--out", str(tmp_path), *arguments])
    assert not (tmp_path / "checkpoint.pt").exists()


def test_impossible_folder_is_refused(tiny, tmp_path):
    write_bytes(tmp_path / "file", b"")
    with pytest.raises(Refused, match=r"Output .*/file is a file; give a folder with --out"):
        fit.main([*tiny, "--out", str(tmp_path / "file")])


def test_divergence_is_refused_and_the_last_checkpoint_kept(tiny, tmp_path, monkeypatch):
    def diverging(logits, labels, **options):
        loss = cross_entropy(logits, labels, **options)
        return loss * math.nan if (tmp_path / "checkpoint.pt").exists() else loss

    cross_entropy = step.functional.cross_entropy
    monkeypatch.setattr(step.functional, "cross_entropy", diverging)
    with pytest.raises(Refused, match=r"diverged in epoch 2 \(loss nan\); the last good state is kept; lower the"):
        fit.main([*tiny, "--out", str(tmp_path)])
    assert checkpoint.load(tmp_path / "checkpoint.pt")["epoch"] == 1


def test_output_names_what_was_written(tiny, tmp_path, capsys):
    fit.main([*tiny, "--out", str(tmp_path)])
    paths = [str(tmp_path / "checkpoint.pt"), str(tmp_path / "log.jsonl")]
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1] in ("▁█", "█▁", "██")  # The curve of two epochs.
    assert captured.out.splitlines()[2:] == paths
    assert [line.split(":")[0] for line in captured.err.splitlines()] == [
        "digits, epoch 1 of 2", "digits, epoch 2 of 2"
    ]
    fit.main([*tiny, "--out", str(tmp_path), "--resume", "--json"])
    result = json.loads(capsys.readouterr().out)
    assert [result["checkpoint"], result["log"]] == paths
    assert result["held_out_accuracy"] == log(tmp_path)[-1]["held_out_accuracy"]


def test_a_killed_epoch_goes_on_in_its_middle(tiny, tmp_path, uninterrupted, monkeypatch):
    """A checkpoint within an epoch, then nothing more: the rest of the epoch gives the same bits."""
    def save(path, state):
        checkpoint_save(path, state)
        if (state["epoch"], state["step"]) == (1, 20):
            raise Killed

    checkpoint_save = checkpoint.save
    arguments = [*tiny, "--epochs", "4", "--save-seconds", "0", "--out", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", save)
        with pytest.raises(Killed):
            fit.main(arguments)
    assert fit.main([*arguments, "--resume"]) == 0
    assert same(checkpoint.load(tmp_path / "checkpoint.pt"), checkpoint.load(uninterrupted / "checkpoint.pt"))


def test_two_processes_learn_the_masks_of_one(tiny, tmp_path):
    """Under torchrun each computes half of every batch; one process computes the halves one after the other."""
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]  # at a port that nobody has
    command = [sys.executable, "-m", *torchrun, "-m", "train.fit", *tiny]
    subprocess.run(
        [*command, "--out", str(tmp_path / "two"), "--device", "cpu"], check=True, stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    fit.main([*tiny, "--accumulate", "2", "--out", str(tmp_path / "one")])
    two, one = (checkpoint.load(tmp_path / name / "checkpoint.pt") for name in ("two", "one"))
    assert same(two["model"], one["model"])
    assert same(two["history"], one["history"])
    assert all(torch.equal(a, b) for a, b in zip(masks(two), masks(one), strict=True))


def masks(state):
    return [layer.mask() for layer in checkpoint.restore(state).convolutions]


def test_validation_images_are_measured_on(tiny, tmp_path, digits):
    fit.main([*tiny, "--validation", "0.25", "--out", str(tmp_path)])
    state = checkpoint.load(tmp_path / "checkpoint.pt")
    held_out = digits.with_validation(0.25, 0)
    found = accuracy(checkpoint.restore(state), held_out.test_images, held_out.test_labels)
    assert state["history"][-1]["held_out_accuracy"] == round(found, 6)
    assert state["dataset_sha256"] == digits.digest


def test_tensorboard_gets_every_epoch(tiny, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    fit.main([*tiny, "--tensorboard", "--out", str(tmp_path)])
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.value for event in events.Scalars("loss")] == pytest.approx([line["loss"] for line in log(tmp_path)])
    assert {"held_out_accuracy", "lr", "images_per_s"} <= set(events.Tags()["scalars"])


def test_schedule_spans_the_whole_run(uninterrupted):
    state = checkpoint.load(uninterrupted / "checkpoint.pt")
    steps = 1347 // 64
    last = state["optimizer"]["param_groups"][0]["lr"]
    assert last == state["history"][-1]["lr"] == learning_rate(
        Recipe(epochs=4, batch=64, optimizer="adam", lr=3e-3), 4 * steps - 1, steps
    )
