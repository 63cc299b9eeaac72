"""What the ring paper claims, to be held against our results.

Ref: RPG (arXiv:2107.07110), Tables 1 to 8, Fig. 1d, 4b, 5 and 6.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import mean

from flows.printed import ABLATION, DEPTH, DOF, EQUILIBRIUM, GAP, METHODS, OUTSIDE, POSE, POSE_GAP, PRUNED
from flows.tables.claims import Claim, differences

__all__ = ["RING_CLAIMS"]


def _rows(key: str, what: str):
    """``(data, name)`` to ``what`` of the rows whose ``key`` is ``name``, by seed."""
    def found(data: Mapping, name: str) -> list[float]:
        return [row[what] for row in data["rows"] if row[key] == name]

    return found


def _lists(keys: Sequence[str], what: str):
    """``(data, names)`` to the list ``what`` of the row whose ``keys`` have the ``names``."""
    def found(data: Mapping, names: tuple) -> list[float]:
        return {tuple(row[key] for key in keys): row[what] for row in data["rows"]}[names]

    return found


def _above(found, high, low):
    """Of a result: what ``high`` has more than ``low``."""
    return lambda data: differences(found(data, high), found(data, low))


def _equilibrium() -> list[Claim]:
    accuracy, time, names = _rows("what", "accuracy"), _rows("what", "ms_per_image"), list(EQUILIBRIUM)
    made = [
        Claim("Table 1", f"accuracy: {high} above {low}", EQUILIBRIUM[high][0] - EQUILIBRIUM[low][0],
              ["equilibrium.json"], _above(accuracy, high, low))
        for low, high in pairwise(names)
    ]
    return [*made, Claim(
        "Table 1", "time: equilibrium above ring 4x", EQUILIBRIUM["equilibrium"][1] - EQUILIBRIUM["ring 4x"][1],
        ["equilibrium.json"],
        lambda data: differences(time(data, "equilibrium"), time(data, "ring 4x"), 1), " ms",
    )]


def _sharing() -> list[Claim]:
    accuracy = _rows("what", "accuracy")
    made = [
        Claim("Table 2", f"rpg above {name}", METHODS["rpg"] - METHODS[name], ["baselines.json"],
              _above(accuracy, "rpg", name))
        for name in METHODS if name not in ("rpg", "vanilla")
    ]
    made += [
        Claim("Appendix D", "rpg above hypernetwork", None, ["baselines.json"],
              _above(accuracy, "rpg", "hypernetwork")),
        Claim("Table 2", "vanilla above rpg", METHODS["vanilla"] - METHODS["rpg"], ["baselines.json"],
              _above(accuracy, "vanilla", "rpg")),
    ]
    return made


def _at(data: Mapping, end: int) -> list[float]:
    """Accuracies of a sweep at its smallest (0) or largest (-1) ring."""
    size = sorted(data["command"]["dofs"])[end]
    return [accuracy for dof, accuracy in data["points"] if dof == size]


def _sizes() -> list[Claim]:
    files, made = ["ring-resnet34.json", "ring-resnet18.json"], []
    for end, name, printed in ((0, "smallest", 0), (-1, "largest", 1)):
        gap = DOF["CIFAR100", "ResNet-34"][printed][1] - DOF["CIFAR100", "ResNet-18"][printed][1]
        made.append(Claim(
            "Table 3, Fig. 6", f"34 layers above 18 with the same {name} ring", gap, files,
            lambda deep, shallow, end=end: differences(_at(deep, end), _at(shallow, end)),
        ))
    return [*made, *(
        Claim(place, f"{network}: accuracy rises with the logarithm of DoF", None, [file],
              lambda data: [100 * data["line"]["slope"]], " a decade")
        for place, network, file in (
            ("Fig. 1d", "ResNet-18", "ring-resnet18.json"), ("Fig. 1d", "ResNet-34", "ring-resnet34.json"),
            ("Fig. 5a", "ViT", "ring-vit.json"),
        )
    )]


def _poses() -> list[Claim]:
    held_out, gap = _lists(("stacks", "sharing"), "held_out"), _lists(("stacks", "sharing"), "gap")
    pairs = [((2, kind), (1, "not shared")) for kind in ("shared", "ring", "not shared")]
    pairs += [((4, kind), (2, kind)) for kind in ("shared", "ring", "not shared")]
    for stacks in (2, 4):
        pairs += [((stacks, "ring"), (stacks, "shared")), ((stacks, "not shared"), (stacks, "ring"))]
    made = [
        Claim("Table 4", f"{high[0]}x {high[1]} above {low[0]}x {low[1]}", POSE[high] - POSE[low], ["pose.json"],
              _above(held_out, high, low))
        for high, low in pairs
    ]
    for stacks in (2, 4):
        for kind in ("shared", "not shared"):
            wider = POSE_GAP[stacks, kind] - POSE_GAP[stacks, "ring"]
            made.append(Claim("Table 8b", f"gap of {stacks}x {kind} above the ring's", wider, ["pose.json"],
                              _above(gap, (stacks, kind), (stacks, "ring"))))
    return made


def _depths() -> list[Claim]:
    names = list(DEPTH)
    return [
        Claim("Table 5", f"error of {what}: {worse} above {better}", DEPTH[worse][at] - DEPTH[better][at],
              ["depth.json"], _above(_lists(("row",), key), (worse,), (better,)))
        for at, (what, key) in enumerate((("depth", "depth_rmse_m"), ("normals", "normal_rmse")))
        for worse, better in pairwise(names)
    ]


def _pruned() -> list[Claim]:
    after, before = _rows("what", "accuracy"), _rows("what", "accuracy_before")

    def drops(data: Mapping) -> list[float]:
        lost = [differences(before(data, name), after(data, name)) for name in ("pruned ring", "IMP")]
        return differences(*lost, 1)

    knapsack, filters = "free, filters by knapsack", "ring, filters by l1"
    drop = (PRUNED["pruned ring"][0] - PRUNED["pruned ring"][1]) - (PRUNED["IMP"][0] - PRUNED["IMP"][1])
    return [
        Claim("Table 6", "pruned ring above IMP at the same DoF", PRUNED["pruned ring"][1] - PRUNED["IMP"][1],
              ["pruners.json"], _above(after, "pruned ring", "IMP")),
        Claim("Table 6", "the ring loses more than IMP (about as much)", drop, ["pruners.json"], drops),
        Claim("Table 7", "knapsack above the ring by l1 at the same FLOPs (about as good)",
              PRUNED[knapsack][1] - PRUNED[filters][1], ["pruners.json"], _above(after, knapsack, filters)),
    ]


def _general() -> list[Claim]:
    def outside(data: Mapping, name: str) -> list[float]:
        rows = [row for row in data["rows"] if row["network"] == name]
        return [mean(mean(kind) for kind in row["corrupted"].values()) for row in rows]

    def gaps(data: Mapping, name: str) -> list[float]:
        return [row["train"] - row["test"] for row in data["rows"] if row["network"] == name]

    wider = GAP["same network"] - GAP["ring"]
    made = [Claim("Table 8a", "gap of the same network above the ring's", wider, ["generalization.json"],
                  _above(gaps, "same network", "ring"))]
    return made + [
        Claim("Table 8c", f"images of another kind: ring above the {name}", OUTSIDE["ring"] - OUTSIDE[name],
              ["generalization.json"], _above(outside, "ring", name))
        for name in ("same network", "same DoF")
    ]


def _rest() -> list[Claim]:
    made = [
        Claim("Fig. 4b", f"permutation+flips above {name}", ABLATION["permutation+flips"] - accuracy, ["ablation.json"],
              lambda data, name=name: differences(data["accuracies"]["permutation+flips"], data["accuracies"][name]))
        for name, accuracy in ABLATION.items() if name != "permutation+flips"
    ]

    def saved(data: Mapping) -> list[float]:
        largest = max(row["batch"] for row in data["rows"])
        steps = {name: [row["steps"] for row in data["rows"] if (row["batch"], row["network"]) == (largest, name)]
                 for name in ("vanilla", "ring")}
        return [100 * (1 - ring / vanilla) for ring, vanilla in zip(steps["ring"], steps["vanilla"], strict=True)]

    return [*made, Claim("Fig. 5b, 5c", "steps that the ring saves at the largest batch", 41.0, ["convergence.json"],
                         saved, " %")]


RING_CLAIMS = (
    *_sizes(), *_rest(), *_equilibrium(), *_sharing(), *_poses(), *_depths(), *_pruned(), *_general(),
)
