"""The numbers of the joints."""

from train.pose.skeleton import HEAD, JOINTS, JUDGED, MIRRORED


def test_mirrored_is_the_published_pairing():
    pairs = [(0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13)]
    want = list(range(16))
    for one, other in pairs:
        want[one], want[other] = other, one
    assert list(MIRRORED) == want


def test_head_and_judged_joints():
    assert (HEAD, len(JOINTS)) == ((8, 9), 16)
    assert sorted({*range(16)} - {*JUDGED}) == [6, 7]
