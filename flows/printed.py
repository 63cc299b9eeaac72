"""What the ring paper prints, as far as its text and tables have it: accuracies in percent, gaps in points.

Names of rows are those of our studies. Of the plots of Hidden-Fold Networks, its text has no figures.

Ref: RPG (arXiv:2107.07110), Tables 1 to 8, sections 5.6 and 5.7, Fig. 5.
"""

from collections.abc import Mapping

__all__ = [
    "ABLATION", "CONVERGENCE", "DEPTH", "DOF", "EQUILIBRIUM", "GAP", "METHODS", "OUTSIDE", "POSE", "POSE_GAP", "PRUNED",
]

#: Table 1, CIFAR10: accuracy, and milliseconds an image.
EQUILIBRIUM: Mapping[str, tuple[float, float]] = {
    "equilibrium": (85.1, 3.15), "ring 2x": (88.5, 0.12), "ring 3x": (90.1, 0.18), "ring 4x": (90.9, 0.22),
}

#: Table 2: ways to share the weights of a ResNet-34 at 11M degrees of freedom, CIFAR100.
METHODS: Mapping[str, float] = {
    "rpg": 78.9, "rpg-stages": 78.5, "random-sharing": 74.9, "hashing-trick": 75.6, "lego": 78.4,
    "deep-compression": 72.2, "vanilla": 79.1,
}

#: Table 3 (Fig. 1d and 6): (degrees of freedom, accuracy), the last without a ring, by data and network.
DOF: Mapping[tuple[str, str], tuple[tuple[float, float], ...]] = {
    ("CIFAR100", "ResNet-18"): ((45e3, 60.2), (2e6, 75.6), (5.5e6, 77.6), (11e6, 77.6)),
    ("CIFAR100", "ResNet-34"): ((45e3, 61.7), (2e6, 76.5), (11e6, 78.9), (21e6, 79.1)),
    ("ImageNet", "ResNet-18"): ((45e3, 40.0), (2e6, 67.2), (5.5e6, 70.5), (11e6, 70.5)),
    ("ImageNet", "ResNet-34"): ((45e3, 41.6), (2e6, 69.1), (11e6, 73.4), (21e6, 73.4)),
}

#: Table 4: PCKh@0.5, by number of sub-networks and what their weights are.
POSE: Mapping[tuple[int, str], float] = {
    (1, "not shared"): 84.7, (2, "shared"): 86.1, (2, "ring"): 86.5, (2, "not shared"): 87.1,
    (4, "shared"): 86.5, (4, "ring"): 87.3, (4, "not shared"): 88.0,
}

#: Table 8b: PCK@0.5 in training above that in validation, likewise.
POSE_GAP: Mapping[tuple[int, str], float] = {
    (2, "not shared"): 1.15, (2, "shared"): 1.13, (2, "ring"): 0.64,
    (4, "not shared"): 1.98, (4, "shared"): 1.70, (4, "ring"): 1.15,
}

#: Table 5: errors of depth and of normals. The second row is "RPG" in the table, reused weights in the text.
DEPTH: Mapping[str, tuple[float, float]] = {
    "vanilla": (25.5, 41.0), "reuse, shared norms": (24.7, 40.3), "reuse, new norms": (24.0, 39.4),
    "reuse, new norms, permuted and reflected": (22.8, 39.1),
}

#: Tables 6 (CIFAR10, 274k degrees of freedom) and 7 (ImageNet, 1.09e9 FLOPs): accuracy before, if printed, and after.
PRUNED: Mapping[str, tuple[float | None, float]] = {
    "IMP": (92.3, 90.5), "pruned ring": (95.0, 93.0), "free, filters by knapsack": (None, 69.35),
    "ring, filters by l1": (None, 69.10),
}

#: Table 8a: ResNet-34, ImageNet: accuracy in training above that in validation.
GAP: Mapping[str, float] = {"same network": 1.1, "ring": -2.3}

#: Table 8c: accuracy on ObjectNet.
OUTSIDE: Mapping[str, float] = {"ring": 16.5, "same network": 16.0, "same DoF": 13.4}

#: Fig. 4b: ResNet-34 with a ring of 2M values, CIFAR100.
ABLATION: Mapping[str, float] = {"permutation+flips": 76.5, "permutation": 75.8, "flips": 71.1, "neither": 70.7}

#: Fig. 5b: iterations until ResNet-18 converges on CIFAR10, at a batch of 1,024.
CONVERGENCE: Mapping[str, tuple[int, int]] = {"ring": (1024, 1000), "vanilla": (1024, 1700)}
