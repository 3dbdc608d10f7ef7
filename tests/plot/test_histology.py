"""Bundles and cells of a drawn section lie as the fibres of its voxels do."""

import dataclasses

import numpy as np
import pytest

from collagensim.plot.histology import bundles
from collagensim.plot.stains import STAINS
from naive.fake_tissue import fake_section


def section_of(order, radians):
    """A section with fibres of that order, at an angle to the surface, everywhere."""
    section = fake_section(fibre_alignment=order)
    parts = {
        "fibre_order_along": order * np.cos(2.0 * radians),
        "fibre_order_aslant": order * np.sin(2.0 * radians),
    }
    shape = (section.fields.sizes["z"], section.fields.sizes["x"])
    fields = section.fields.assign({name: (("z", "x"), np.full(shape, part)) for name, part in parts.items()})
    return dataclasses.replace(section, fields=fields)


def angles_of(section):
    """Angle to the surface of each strand that is drawn: of its longest axis."""
    outlines = np.concatenate([shapes.outlines for shapes in bundles(section, STAINS["picrosirius"])])
    x, z = np.moveaxis(outlines - outlines.mean(axis=1, keepdims=True), -1, 0)
    return 0.5 * np.arctan2(2.0 * (x * z).sum(axis=1), (x * x - z * z).sum(axis=1))


@pytest.mark.parametrize("radians", [-0.9, 0.0, 0.7, 1.4])
def test_bundles_are_drawn_along_the_fibres_of_their_voxel(radians):
    double = np.exp(2.0j * angles_of(section_of(0.95, radians))).mean()
    # Angles of this order scatter by 0.16. Neighbours within 45 um lie alike, so that there are some 190 independent
    # patches in the section: five standard errors are 0.06, and crimp tilts single strands besides.
    assert abs(np.angle(double * np.exp(-2.0j * radians))) / 2.0 < 0.1
    assert abs(double) > 0.8


def test_less_ordered_fibres_are_drawn_less_alike():
    strict, loose = (abs(np.exp(2.0j * angles_of(section_of(order, 0.7))).mean()) for order in (0.9, 0.4))
    assert loose < strict - 0.2


def test_fibres_without_direction_are_drawn_about_the_surface():
    double = np.exp(2.0j * angles_of(fake_section(fibre_alignment=0.95))).mean()
    assert abs(np.angle(double)) / 2.0 < 0.1
