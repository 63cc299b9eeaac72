"""The joints of a person, as MPII numbers them.

Ref: Andriluka et al., 2D Human Pose Estimation: New Benchmark and State of the Art Analysis, CVPR 2014.
"""

__all__ = ["HEAD", "JOINTS", "JUDGED", "MIRRORED"]

#: Names by number. Right is the person's.
JOINTS = (
    "right ankle", "right knee", "right hip", "left hip", "left knee", "left ankle", "pelvis", "thorax", "upper neck",
    "head top", "right wrist", "right elbow", "right shoulder", "left shoulder", "left elbow", "left wrist",
)

_OTHER_SIDE = {"right": "left", "left": "right"}

#: Number of the joint that each becomes when the image is mirrored.
MIRRORED = tuple(
    JOINTS.index(" ".join(_OTHER_SIDE.get(word, word) for word in name.split())) for name in JOINTS
)

#: The two ends of the head segment, the unit of errors.
HEAD = (JOINTS.index("upper neck"), JOINTS.index("head top"))

#: Joints that are judged: all but pelvis and thorax, which the benchmark's own evaluation leaves out of its total.
JUDGED = tuple(number for number, name in enumerate(JOINTS) if name not in ("pelvis", "thorax"))
