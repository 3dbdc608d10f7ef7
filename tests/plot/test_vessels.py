"""Vessels that are a network are drawn where they are: whole in a stain of vessels, else where a cut meets them."""

import dataclasses

import numpy as np
import pandas as pd

from collagensim.plot.histology import SWING_UM, TUBE_UM, vessels
from collagensim.plot.stains import STAINS
from naive.fake_tissue import SLAB, fake_section

LENGTH = 20.0


def section_with(n):
    """A section with n pieces of vessel, each 20 um long and anywhere."""
    rng = np.random.Generator(np.random.Philox(3))
    section = fake_section()
    high, wide = section.size_um
    z, x, angle = rng.uniform(20, high - 20, n), rng.uniform(20, wide - 20, n), np.pi * rng.random(n)
    half_z, half_x = 0.5 * LENGTH * np.sin(angle), 0.5 * LENGTH * np.cos(angle)
    pieces = pd.DataFrame({
        "z0": z - half_z, "x0": x - half_x, "z1": z + half_z, "x1": x + half_x, "length": LENGTH,
        "number": np.arange(n, dtype=np.uint64),
    })  # fmt: skip
    return dataclasses.replace(section, vessels=pieces)


def profiles(section, stain="masson"):
    """Outlines (n, m, 2) of the walls."""
    return vessels(section, STAINS[stain])[-3].outlines


def test_a_cut_meets_half_the_length_of_vessels_per_volume():
    n, share = 4000, LENGTH / (2.0 * SLAB)
    found = profiles(section_with(n)).shape[0]
    assert abs(found - share * n) < 4.0 * np.sqrt(n * share * (1.0 - share))  # binomial


def test_the_same_vessels_are_met_on_every_day():
    section = section_with(400)
    later = dataclasses.replace(section, vessels=section.vessels.iloc[::2])
    known = {tuple(place) for place in profiles(section).mean(axis=1).round(6).tolist()}
    still = {tuple(place) for place in profiles(later).mean(axis=1).round(6).tolist()}
    assert still < known


def test_a_stain_of_vessels_shows_every_piece_where_it_is():
    section = section_with(50)
    tubes = vessels(section, STAINS["cd31"])[0].outlines
    middles = section.vessels[["x0", "z0"]].to_numpy() + section.vessels[["x1", "z1"]].to_numpy()
    off = tubes.mean(axis=1) - 0.5 * middles
    # They swing about their places by a normal number times some um; none of a hundred is beyond four.
    assert np.abs(off).max() < 4.0 * SWING_UM
    assert tubes.shape[0] == 50
    widths = np.ptp(tubes, axis=1).min(axis=1)
    assert widths.min() > 0.5 * TUBE_UM
    assert len(vessels(section, STAINS["masson"])) == 3
