"""A command line is read alike everywhere, and refused in one sentence."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from console.command import CommandParser, Number, Several, Whole, add_json, add_out, add_seed
from spec.refusal import Refused

ROOT = Path(__file__).parents[2]


def parser():
    made = CommandParser(prog="python -m a.b", description="d")
    made.add_argument("model", type=Path, help="model file")
    made.add_argument("-n", "--images", type=Whole(1, 9), default=2, help="images")
    made.add_argument("--stall", type=Number(least=0, below=1), help="probability")
    made.add_argument("--sizes", type=Several(Whole(1)), help="sizes")
    made.add_argument("--target", choices=["ecp5", "asic"], help="part")
    add_seed(made, "of images")
    add_out(made, "folder to write", Path("build"))
    add_json(made)
    return made


def test_a_good_line_is_read():
    line = "m --images 9 --stall 0.5 --sizes 16,32 --target asic --seed 0 --out x --json"
    read = parser().parse_args(line.split())
    assert vars(read) == {
        "model": Path("m"), "images": 9, "stall": 0.5, "sizes": (16, 32), "target": "asic", "seed": 0,
        "out": Path("x"), "json": True,
    }


def test_defaults():
    read = parser().parse_args(["m"])
    assert (read.images, read.seed, read.out, read.json) == (2, 1, Path("build"), False)
    assert parser().parse_args(["m", "--sizes", ""]).sizes == ()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "The following arguments are required: model"),
        ("m --images 0", "Option --images must be from 1 to 9, not 0"),
        ("m --images 10", "Option --images must be from 1 to 9, not 10"),
        ("m --images 1.5", "Option --images must be a whole number, not '1.5'"),
        ("m --images", "Option --images expected one argument"),
        ("m --images=--", "Option --images expected one argument"),
        ("m --out=--", "Option --out expected one argument"),
        ("m --stall x", "Option --stall must be a number, not 'x'"),
        ("m --stall 1", "Option --stall must be at least 0 and less than 1, not 1"),
        ("m --stall nan", "Option --stall must be at least 0 and less than 1, not nan"),
        ("m --sizes 4,0", "Option --sizes must be numbers with commas, 1 or more each, not '4,0'"),
        ("m --sizes 4,,5", "Option --sizes must be numbers with commas, 1 or more each, not '4,,5'"),
        ("m --target fpga", "Option --target must be one of ecp5, asic, not 'fpga'"),
        ("m --seed -1", "Option --seed must be from 0 to 4294967295, not -1"),
        ("m --imagse 3", "Unrecognized arguments: --imagse 3 (did you mean --images?)"),
        ("m --image 3", "Unrecognized arguments: --image 3 (did you mean --images?)"),
        ("m --zzz", "Unrecognized arguments: --zzz"),
        ("m --json yes", "Unrecognized arguments: yes"),
    ],
)
def test_a_bad_line_is_one_sentence(line, sentence):
    with pytest.raises(Refused) as refusal:
        parser().parse_args(line.split())
    assert str(refusal.value) == f"{sentence}; see python -m a.b --help"


@pytest.mark.parametrize("option", ["--out", "--page", "--saif"])
def test_what_is_read_is_not_written_over(option, tmp_path):
    """By no name of it; a file that only lies there is replaced, as ever."""
    model, other = tmp_path / "m.bin", tmp_path / "other.bin"
    model.write_bytes(b"m")
    other.write_bytes(b"o")
    (tmp_path / "link").symlink_to(model)
    (tmp_path / "hard").hardlink_to(model)
    made = CommandParser(prog="p")
    made.add_argument("model", type=Path)
    made.add_argument("--more", type=Path, nargs="*", default=[])
    made.add_argument(option, type=Path)
    for name in ("m.bin", "link", "hard", "../" + tmp_path.name + "/m.bin"):
        for line in ([str(model)], [str(other), "--more", str(other), str(model)]):
            with pytest.raises(Refused, match=rf"^Option {option} .*{name} is a file to read, which would be lost; n"):
                made.parse_args([*line, option, str(tmp_path / name)])
    for free in (other, tmp_path / "new", tmp_path):
        assert made.parse_args([str(model), option, str(free)]).model == model


def test_one_limit_alone():
    with pytest.raises(argparse.ArgumentTypeError, match=r"^must be at most 4, not 5$"):
        Whole(most=4)("5")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize("kind", [Number(), Number(above=0), Number(least=0, most=1)])
def test_numbers_are_finite(kind, text):
    with pytest.raises(argparse.ArgumentTypeError, match="must be"):
        kind(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Whole(1), "1 or more"), (Whole(1, 4), "1 to 4"), (Whole(most=4), "at most 4"),
        (Number(above=0), "more than 0"),
        (Number(least=0, below=1), "at least 0 and less than 1"), (Several(Whole(1)), "1 or more each"),
    ],
)
def test_help_says_the_range(kind, text):
    made = CommandParser(prog="p")
    made.add_argument("--x", type=kind, help="meaning")
    assert f"meaning [{text}]" in " ".join(made.format_help().split())


@pytest.mark.parametrize("kind", [Whole(), Number(), Several(Whole()), str, None])
def test_help_of_what_has_no_range_is_as_written(kind):
    made = CommandParser(prog="p")
    made.add_argument("--x", type=kind, help="meaning")
    assert made.format_help().rstrip().endswith("meaning")


def test_subcommands_refuse_alike():
    made = CommandParser(prog="python -m a")
    made.add_subparsers().add_parser("sub").add_argument("--n", type=Whole(1), help="n")
    with pytest.raises(Refused, match=r"^Option --n must be at least 1, not 0; see python -m a sub --help$"):
        made.parse_args(["sub", "--n", "0"])


def test_a_process_says_it_on_one_line():
    program = (
        "from console.command import CommandParser; from spec.refusal import run_command; "
        "run_command(lambda argv: CommandParser(prog='p').parse_args(['--zzz']))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: Unrecognized arguments: --zzz; see p --help\n"
