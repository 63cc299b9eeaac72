"""What the papers print: that what is kept of it fits together."""

from flows.printed import ABLATION, CONVERGENCE, DOF, METHODS


def test_figures_of_a_table_agree_with_the_text():
    assert METHODS["vanilla"] == DOF["CIFAR100", "ResNet-34"][-1][1]
    assert METHODS["rpg"] == DOF["CIFAR100", "ResNet-34"][2][1]
    assert ABLATION["permutation+flips"] == DOF["CIFAR100", "ResNet-34"][1][1]
    # "takes 41% less iterations"
    assert round(100 * (1 - CONVERGENCE["ring"][1] / CONVERGENCE["vanilla"][1])) == 41


def test_accuracy_never_falls_with_more_degrees_of_freedom():
    for points in DOF.values():
        assert list(points) == sorted(points)
        assert [accuracy for _, accuracy in points] == sorted(accuracy for _, accuracy in points)
