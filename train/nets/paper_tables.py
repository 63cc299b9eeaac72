"""What Hidden-Fold Networks prints of sizes, digit by digit: Tables 2 and 3, and a ratio in the text.

Ref: Hidden-Fold Networks (IEEE Access 2023), Tables 2 and 3, section IV-C4.
"""

from dataclasses import dataclass

from train.nets.config import Method

__all__ = ["CLAIMS", "INCONSISTENT", "PRINTED", "Claim", "Printed"]


@dataclass(frozen=True)
class Printed:
    """A row. Figures are text because their number of digits matters; the reduction of a dense network is not printed.

    Parameters
    ----------
    table : int
    problem : str
        CIFAR100 or ImageNet.
    network : str
        Without the prefix of the method.
    method : Method
    accuracy, parameters, megabytes, reduction : str
        Top-1 in percent, millions, 10^6 bytes, times smaller than the first row of its table and problem.
    """

    table: int
    problem: str
    network: str
    method: Method
    accuracy: str
    parameters: str
    megabytes: str
    reduction: str

    @property
    def name(self) -> str:
        """As the paper prints it."""
        return self.method.prefix.upper() + self.network


PRINTED = (
    Printed(2, "CIFAR100", "RN50", Method.DENSE, "78.74", "23.68", "94.82", ""),
    Printed(2, "CIFAR100", "RN50", Method.FOLDED, "78.09", "14.75", "59.07", "1.61"),
    Printed(2, "CIFAR100", "RN50", Method.HNN, "77.03", "7.10", "2.96", "32.07"),
    Printed(2, "CIFAR100", "RN50", Method.HFN, "77.68", "4.45", "1.95", "48.55"),
    Printed(2, "ImageNet", "RN50", Method.DENSE, "76.89", "25.55", "102.22", ""),
    Printed(2, "ImageNet", "RN50", Method.FOLDED, "75.91", "16.60", "60.47", "1.54"),
    Printed(2, "ImageNet", "RN50", Method.HNN, "68.16", "7.65", "3.19", "32.07"),
    Printed(2, "ImageNet", "RN50", Method.HFN, "67.14", "5.00", "2.18", "46.80"),
    Printed(3, "CIFAR100", "RN34", Method.DENSE, "78.82", "21.32", "85.31", ""),
    Printed(3, "CIFAR100", "RN101", Method.FOLDED, "78.84", "14.78", "59.28", "1.44"),
    Printed(3, "CIFAR100", "WRN50", Method.HNN, "78.59", "20.10", "8.37", "10.19"),
    Printed(3, "CIFAR100", "RN200", Method.HFN, "78.90", "6.21", "3.02", "28.27"),
    Printed(3, "ImageNet", "RN18", Method.DENSE, "71.13", "11.68", "46.75", ""),
    Printed(3, "ImageNet", "RN34", Method.FOLDED, "72.37", "12.35", "49.41", "0.95"),
    Printed(3, "ImageNet", "RN101", Method.HNN, "71.64", "13.33", "5.56", "8.42"),
    Printed(3, "ImageNet", "RN200", Method.HFN, "71.92", "6.77", "3.25", "14.39"),
)

#: Cells that contradict other cells of the paper, by table, problem, printed name and column; and why.
INCONSISTENT = {
    (2, "ImageNet", "RN50", "parameters"): (
        "W + G is 25.53. Counting beta too, W + 2 G = 25.5560, cut to 25.55: the other dense cells count gamma only "
        "(with beta, the RN50 of CIFAR100 would be 23.71, not 23.68)."
    ),
    (2, "ImageNet", "F-RN50", "megabytes"): (
        "A misprint of 66.47: the reduction beside it, 1.54x, follows from 66.47 only (from 60.47 it would be 1.69x)."
    ),
    (3, "CIFAR100", "H-WRN50", "parameters"): (
        "30 % of W is 20.0889 million. It looks like 20.1 padded to two digits; 30 % of W + G would print 20.10 too, "
        "but then H-RN50 and H-RN101 on ImageNet would not print what they do."
    ),
}


@dataclass(frozen=True)
class Claim:
    """A ratio of sizes in the text: ``network`` by ``method`` takes ``reduction`` times fewer bytes than dense.

    ``where`` is the place in the paper; the other fields are as in :class:`Printed`.
    """

    where: str
    problem: str
    network: str
    method: Method
    reduction: str


CLAIMS = (Claim("section IV-C4", "CIFAR100", "WRN50", Method.HFN, "52.47"),)
