"""What ``tests.coverage`` wrote, as tables."""

from flows.tables.trust import coverage, impossible

FIGURES = {"points": 1200, "hit": 1100, "waived": 60, "open": 40, "percent": 96.49, "measured_percent": 91.67}
DATA = {
    "kinds": {"toggle": {"core.engine": FIGURES}, "branch": {"spec": FIGURES}, "bins": {"networks": FIGURES}},
    "impossible": {"spec.network makes no stem of kernel 3": 1096},
}


def test_rows_are_in_the_order_of_kinds():
    assert coverage(DATA).splitlines() == [
        "| of the | in | points | met | % | with a reason | % but for those |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
        "| branches of the Python | `spec` | 1,200 | 1,100 | 91.7 | 60 | 96.5 |",
        "| bits of the Verilog, both ways | `core.engine` | 1,200 | 1,100 | 91.7 | 60 | 96.5 |",
        "| what there can be | networks | 1,200 | 1,100 | 91.7 | 60 | 96.5 |",
    ]


def test_reasons_are_those_of_the_result():
    assert impossible(DATA).splitlines()[2:] == ["| spec.network makes no stem of kernel 3 | 1,096 |"]
