"""What a section shows of fibres: projected, averaged as image analysis does, inside tracks and outside."""

import dataclasses

import numpy as np
import pytest

from collagensim.response.biopsy import Track
from collagensim.response.orientation import coherency, in_section, inside
from naive import fibres as naive
from naive.fake_tissue import fake_snapshot, fake_tissue


def lying(degrees, order=1.0):
    """The tensor of fibres at an angle to the surface."""
    return order * np.array([np.cos(np.radians(2.0 * degrees)), np.sin(np.radians(2.0 * degrees))])


def test_a_slice_is_its_own_section():
    parts = np.random.default_rng(1).normal(size=(2, 3, 4))
    assert in_section(parts) is parts


def test_a_section_shows_of_a_blocks_fibres_what_lies_in_its_plane():
    ways = np.random.default_rng(2).normal(size=(7, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    tensor = np.mean([naive.parts_of(naive.tensor_of(way, 5)) for way in ways], axis=0)
    z, _, x = ways.T
    shown = np.array([(x**2 - z**2).sum(), (2.0 * x * z).sum()]) / (x**2 + z**2).sum()
    np.testing.assert_allclose(in_section(tensor[:, None])[:, 0], shown, rtol=1e-12)


def test_fibres_that_stand_upright_on_a_section_show_no_direction():
    across = naive.parts_of(naive.tensor_of((0.0, 1.0, 0.0), 5))
    np.testing.assert_array_equal(in_section(across[:, None]), 0.0)


@pytest.mark.parametrize("degrees", [-60.0, 0.0, 25.0])
def test_parallel_fibres_are_wholly_coherent_and_lie_as_they_do(degrees):
    index, angle = coherency(np.stack([lying(degrees)] * 3, axis=1), np.array([1.0, 2.0, 3.0]))
    assert index == pytest.approx(1.0)
    assert angle == pytest.approx(degrees)


def test_fibres_at_right_angles_cancel_by_weight():
    tensors = np.stack([lying(30.0), lying(120.0)], axis=1)
    assert coherency(tensors, np.array([1.0, 1.0]))[0] == pytest.approx(0.0, abs=1e-15)
    index, angle = coherency(tensors, np.array([3.0, 1.0]))
    assert index == pytest.approx(0.5)
    assert angle == pytest.approx(30.0)


def test_a_place_is_inside_a_track_within_its_width_down_to_its_end():
    track = Track(0.0, 50.0, np.array([0.0, 20.0, 40.0]), np.array([15.0, 15.0, 0.0]))
    found = inside([track], np.array([5.0, 25.0, 45.0]), np.array([30.0, 36.0, 50.0, 64.0]))
    # At 25 um a quarter of the tip's length is gone: 11.25 um wide.
    expected = [[False, True, True, True], [False, False, True, False], [False] * 4]
    np.testing.assert_array_equal(found, expected)


def test_a_biopsy_tells_fibres_by_layer_and_inside_tracks_from_outside():
    shape = (6, 1, 40)
    collagen = np.full(shape, 100.0)
    collagen[0] = 300.0
    tensors = np.zeros((2, *shape))
    tensors[:, 0], tensors[:, 1] = lying(20.0, 0.8)[:, None, None], lying(110.0, 0.8)[:, None, None]
    tensors[:, 2:4] = lying(0.0, 0.5)[:, None, None, None]
    tensors[:, 4:, :, :2] = lying(-30.0, 0.6)[:, None, None, None]
    order = np.hypot(*tensors)
    snapshot = fake_snapshot({"collagen_mature": collagen, "fibre_alignment": order}, {})
    snapshot = dataclasses.replace(snapshot, structures={"fibres": {"orientation": tensors}})
    tissue = fake_tissue({3.0: snapshot}, [(0.0, np.array([[5.0, 200.0, 500.0]]))])
    figures = tissue.biopsy(3.0).figures().set_index(["layer", "quantity"])["value"]
    # Three parts at 20 degrees against one at right angles.
    assert figures["papillary", "orientation index"] == pytest.approx(0.4)
    assert figures["papillary", "fibre direction"] == pytest.approx(20.0)
    assert figures["papillary", "local fibre order"] == pytest.approx(0.8)
    assert figures["upper_reticular", "orientation index in tracks"] == pytest.approx(0.5)
    # What has a direction in the last layer lies at x = 0 to 20 um, far from the channel at 200 um.
    assert figures["lower_reticular", "orientation index in tracks"] == 0.0
    outside = figures["lower_reticular", "orientation index outside tracks"]
    assert outside > figures["lower_reticular", "orientation index"] > 0.0
    assert figures["lower_reticular", "fibre direction outside tracks"] == pytest.approx(-30.0)


def test_without_tracks_nothing_is_said_of_them():
    shape = (6, 1, 4)
    tensors = np.zeros((2, *shape))
    snapshot = fake_snapshot({"collagen_mature": np.ones(shape), "fibre_alignment": np.zeros(shape)}, {})
    snapshot = dataclasses.replace(snapshot, structures={"fibres": {"orientation": tensors}})
    quantities = set(fake_tissue({3.0: snapshot}).biopsy(3.0).figures()["quantity"])
    assert {"orientation index", "fibre direction"} <= quantities
    assert not any("tracks" in quantity for quantity in quantities)
