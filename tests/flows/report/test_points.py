"""Points of the drawing of accuracy against size: the paper's, and those of model files."""

from flows.report.points import Judged, of_model, of_papers
from spec.model import with_provenance
from spec.synthetic import synthetic_model
from spec.topologies import residual_network


def test_points_are_those_of_the_paper_and_of_judged_models():
    points = {(point.name, point.dataset): point for point in of_papers()}
    assert points["HF-ResNet-50", "CIFAR-100"].bytes == 1_950_000
    assert points["HF-ResNet-200", "ImageNet"].accuracy == 71.92
    model = synthetic_model(residual_network("n", image=(4, 4, 1), classes=3, widths=(4,), iterations=(0,)), 1)
    assert of_model("n", model) is None
    judged = of_model("n", with_provenance(model, dataset="d", deployed_accuracy=0.5))
    assert judged == Judged("n", "here", "d", 50.0, model.mask_bits // 8 + 4 * model.entry_count, judged.source)
