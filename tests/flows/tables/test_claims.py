"""Claims beside results: the difference, the seeds, the verdict."""

import json

from flows.tables.claims import Claim, claimed, differences


def test_differences_are_by_seed():
    assert differences([0.5, 0.75], [0.25, 1.0]) == [25, -25]
    assert differences([3.0], [1.0], 1) == [2]


def rows(folder, *claims):
    return [line.strip("| ").split(" | ") for line in claimed(folder, claims).splitlines()[2:]]


def of(says, printed, values, unit="", files=("a.json",)):
    return Claim("Table 1", says, printed, files, lambda *data: [value * data[0]["one"] for value in values], unit)


def test_every_verdict(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"one": 1}))
    found = rows(
        tmp_path, of("all", 1.5, [1.0, 2.0]), of("mean", 0.25, [4.0, -1.0]), of("none", None, [0.0]),
        of("milliseconds", 2.0, [3.0], " ms"),
    )
    assert found == [
        ["Table 1", "all", "+1.50", "+1.50 ± 0.71", "2", "yes"],
        ["Table 1", "mean", "+0.25", "+1.50 ± 3.54", "2", "in the mean"],
        ["Table 1", "none", "", "0.00", "1", "**no**"],
        ["Table 1", "milliseconds", "+2.00 ms", "+3.00 ms", "1", "yes"],
    ]


def lacking(data):
    return data["two"]


def test_results_that_are_not_there_or_lack_what_a_claim_is_about_decide_nothing(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"one": 1}))
    claims = (
        of("no seed", 0.5, []), Claim("Fig. 2", "no row", None, ["a.json"], lacking), of("all", None, [1.0]),
        of("no file", 0.5, [1.0], files=("a.json", "b.json")),
    )
    assert claimed(tmp_path, claims).splitlines()[2:] == [
        "| Table 1 | all |  | +1.00 | 1 | yes |", "", "Not run, with the number of claims: Table 1 (2), Fig. 2 (1).",
    ]
    assert "Not run" not in claimed(tmp_path, claims[2:3])
