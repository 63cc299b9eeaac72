"""Files are whole or absent, whatever interrupts their writing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from spec.budgets import Budget
from spec.files import build_root, output_file, output_folder, read_tensors, write_bytes, write_text
from spec.refusal import Refused

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("variable", "root"), [(None, "build"), ("", "build"), ("else/where", "else/where")])
def test_builds_go_where_one_works_or_says(variable, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FOLDENITE_BUILD", raising=False)
    if variable is not None:
        monkeypatch.setenv("FOLDENITE_BUILD", variable)
    assert build_root() == tmp_path / root


@pytest.mark.parametrize("content", [b"", b"abc", bytes(range(256)) * 1000])
def test_bytes_arrive(tmp_path, content):
    path = write_bytes(tmp_path / "f", content)
    assert path == tmp_path / "f"
    assert path.read_bytes() == content


def test_text_is_utf8_without_newline_translation(tmp_path):
    assert write_text(str(tmp_path / "f"), "Ægir\r\n").read_bytes() == b"\xc3\x86gir\r\n"


def test_folders_are_created(tmp_path):
    assert write_bytes(tmp_path / "a" / "b" / "f", b"x").read_bytes() == b"x"


def test_old_content_is_replaced(tmp_path):
    write_bytes(tmp_path / "f", b"a longer old content")
    write_bytes(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
@pytest.mark.parametrize("old", [None, b"old"])
def test_an_interrupted_write_changes_nothing(tmp_path, monkeypatch, call, error, old):
    path = tmp_path / "f"
    if old is not None:
        path.write_bytes(old)

    def interrupt(*_):
        raise error

    monkeypatch.setattr(call, interrupt)
    with pytest.raises(error):
        write_bytes(path, b"new")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([] if old is None else [old])


@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
def test_a_killed_process_leaves_the_old_file(tmp_path, call):
    (tmp_path / "f").write_bytes(b"old")
    program = (
        "import os, signal; from spec.files import build_root, write_bytes; "
        f"{call} = lambda *_: os.kill(os.getpid(), signal.SIGKILL); write_bytes({str(tmp_path / 'f')!r}, b'new')"
    )
    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=os.environ, check=False)
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / "f").read_bytes() == b"old"


def test_content_is_on_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor):
        calls.append(("fsync", os.fstat(descriptor).st_size))
        fsync(descriptor)

    def watched_replace(*paths):
        calls.append("replace")
        replace(*paths)

    monkeypatch.setattr("os.fsync", watched_fsync)
    monkeypatch.setattr("os.replace", watched_replace)
    write_bytes(tmp_path / "f", b"12345")
    assert calls == [("fsync", 5), "replace"]


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "d").mkdir()
    with pytest.raises(Refused, match=r"^Output \S+/d is a folder; name a file to write, such as one in it$"):
        write_bytes(tmp_path / "d", b"x")
    assert [path.name for path in tmp_path.rglob("*")] == ["d"]


@pytest.mark.parametrize("inside", ["f", "a/f", "a/b/f"])
def test_a_file_is_no_folder(tmp_path, inside):
    (tmp_path / "d").write_bytes(b"old")
    for call in (lambda: write_text(tmp_path / "d" / inside, "x"), lambda: output_folder(tmp_path / "d" / inside)):
        with pytest.raises(Refused, match=r"^Output \S+/d is a file; give a folder with --out$"):
            call()
    assert (tmp_path / "d").read_bytes() == b"old"


def test_what_is_no_regular_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/full")
    for name in ("pipe", "link"):
        with pytest.raises(Refused, match=r"is no regular file, so it cannot be replaced as a whole; name another$"):
            write_bytes(tmp_path / name, b"x")
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("name", ["new", "old", "new/f", "folder/f"])
def test_a_place_that_is_free_is_returned_untouched(tmp_path, name):
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    assert output_file(str(tmp_path / name)) == tmp_path / name
    assert output_folder(tmp_path / "folder") == tmp_path / "folder"
    assert output_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "old"]


def test_tensors_are_read(tmp_path):
    tensor = np.arange(6, dtype=np.uint32).reshape(2, 3)
    path = write_bytes(tmp_path / "f", safetensors.numpy.save({"x": tensor}, {"key": "value"}))
    texts, tensors = read_tensors(path, Budget.MODEL_FILE, "File", "write it")
    assert texts == {"key": "value"}
    assert list(tensors) == ["x"]
    assert np.array_equal(tensors["x"], tensor)


def test_metadata_may_lack(tmp_path):
    path = write_bytes(tmp_path / "f", safetensors.numpy.save({"x": np.zeros(1)}))
    assert read_tensors(path, Budget.MODEL_FILE, "File", "write it")[0] == {}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"Thing .*f does not exist; write it again"),
        (b"", r"Thing .*f is damaged or truncated \(.*\); write it again"),
        (b"not safetensors at all", r"File .*f is no thing but another kind of file; write it again"),
        (b"\xff" * 8, "is damaged or truncated"),
        (b"\x04" + bytes(7) + b"{}{}", "is damaged or truncated"),
    ],
)
def test_broken_files_are_refused(tmp_path, content, sentence):
    if content is not None:
        (tmp_path / "f").write_bytes(content)
    with pytest.raises(Refused, match=sentence):
        read_tensors(tmp_path / "f", Budget.MODEL_FILE, "Thing", "write it again")
