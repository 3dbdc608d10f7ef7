import dataclasses

import numpy as np
import pytest

from collagensim.errors import InputError
from collagensim.treatment import injure
from naive.fake_tissue import EDGE, SESSION, SKIN, fake_section, fake_snapshot, fake_tissue

TOP_UM = 1000.0 * SKIN.layers[0].top_mm
NEEDLES = injure(SKIN, SESSION).channels
NEEDLE_UM, CRUSH_UM = 1000.0 * NEEDLES.needle_radius_mm, 1000.0 * NEEDLES.crush_mm


def columns(*values, ny=1, nx=4):
    """A field (6, ny, nx) with one value for each row of voxels."""
    return np.broadcast_to(np.array(values, dtype=float)[:, None, None], (6, ny, nx)).copy()


def one_day(fields=None, surface=None, places=(), kinds=(), channels=(), **options):
    given = fields or {"elastin": columns(4, 8, 0, 0, 0, 0)}
    snapshot = fake_snapshot(given, surface or {}, places, kinds, **options)
    return fake_tissue({3.0: snapshot}, channels)


def value(figures, quantity, layer):
    found = figures[(figures["quantity"] == quantity) & (figures["layer"] == layer)]
    assert len(found) == 1
    return float(found["value"].iloc[0])


def test_the_matrix_is_reported_by_layer_as_by_hand():
    figures = one_day({
        "collagen_iii": columns(30, 10, 20, 20, 20, 20),
        "collagen_i": columns(0, 20, 0, 0, 10, 10),
        "collagen_mature": columns(60, 60, 100, 100, 70, 70),
        "elastin": columns(4, 8, 6, 6, 6, 6),
        "fibre_alignment": columns(0.1, 0.4, 0.2, 0.2, 0.3, 0.3),
        "capillary_density": columns(40, 50, 20, 20, 10, 10),
    }).biopsy(3.0).figures()  # fmt: skip
    # papillary rows hold 90 and 90 mg/mL of collagen, 300 mg/mL fill a bundle; 140 mg/mL of I over 40 of III
    assert value(figures, "collagen area fraction", "papillary") == pytest.approx(0.3)
    assert value(figures, "collagen I:III ratio", "papillary") == pytest.approx(140 / 40)
    assert value(figures, "orientation index", "papillary") == pytest.approx(0.25)
    assert value(figures, "elastic fibre area fraction", "papillary") == pytest.approx(6 / 200)
    assert value(figures, "capillaries", "papillary") == pytest.approx(45.0)
    # rows 90 90 120 120 100 100 weigh the order 0.1 0.4 0.2 0.2 0.3 0.3
    order = (9 + 36 + 24 + 24 + 30 + 30) / 620
    assert value(figures, "orientation index", "dermis") == pytest.approx(order)
    assert value(figures, "collagen area fraction", "dermis") == pytest.approx(620 / 6 / 300)


def test_orientation_is_weighted_by_collagen_not_by_area():
    fields = {"collagen_iii": columns(10, 30, 1, 1, 1, 1), "fibre_alignment": columns(0.8, 0.0, 0, 0, 0, 0)}
    assert value(one_day(fields).biopsy(3.0).figures(), "orientation index", "papillary") == pytest.approx(
        0.2
    )


def test_the_epidermis_is_measured_where_there_is_one():
    cover, thickness = np.array([[1.0, 1.0, 0.5, 0.0]]), np.array([[60.0, 70.0, 50.0, 999.0]])
    tissue = one_day(surface={"epidermal_cover": cover, "epidermal_thickness": thickness})
    figures = tissue.biopsy(3.0).figures()
    assert value(figures, "epidermal cover", "epidermis") == pytest.approx(0.625)
    assert value(figures, "epidermal thickness", "epidermis") == pytest.approx((60 + 70 + 25) / 2.5)


def test_an_open_wound_has_no_epidermal_thickness():
    bare = {"epidermal_cover": np.zeros((1, 4)), "epidermal_thickness": np.full((1, 4), 70.0)}
    assert "epidermal thickness" not in set(one_day(surface=bare).biopsy(3.0).figures()["quantity"])


def test_cells_are_counted_per_area_of_their_layer():
    places = [[1, 50, 5], [15, 99, 39], [19.9, 1, 20], [20.1, 50, 5], [60.0, 50, 40.0]]
    figures = one_day(places=places, kinds=[1, 1, 0, 1, 0]).biopsy(3.0).figures()
    mm2 = 20.0 * 40.0 * 1e-6  # two rows of four voxels of 10 um
    assert value(figures, "fibroblasts", "papillary") == pytest.approx(2 / mm2)
    assert value(figures, "neutrophils", "papillary") == pytest.approx(1 / mm2)
    assert value(figures, "fibroblasts", "upper_reticular") == pytest.approx(1 / mm2)
    assert value(figures, "neutrophils", "lower_reticular") == pytest.approx(1 / mm2)  # on the very edge
    assert value(figures, "fibroblasts", "dermis") == pytest.approx(3 / (3 * mm2))


def test_cells_of_all_kinds_are_counted_together():
    places = [[1, 50, 5], [15, 99, 39], [60.0, 50, 40.0]]
    figures = one_day(places=places, kinds=[1, 0, 1]).biopsy(3.0).figures()
    mm2 = 20.0 * 40.0 * 1e-6  # two rows of four voxels of 10 um
    assert value(figures, "cells", "papillary") == pytest.approx(2 / mm2)
    assert value(figures, "cells", "dermis") == pytest.approx(3 / (3 * mm2))


@pytest.mark.parametrize("thickness", [10.0, 100.0])
def test_a_thin_cut_shows_the_nuclei_that_reach_into_it(thickness):
    # nuclei of 8 um with their centre in 5 um, or less than 4 um above or below: 13 um of the section's thickness
    rng = np.random.Generator(np.random.Philox(3))
    n = 20_000
    places = rng.random((n, 3)) * [20.0, thickness, 40.0]
    figures = (
        one_day(places=places, kinds=np.arange(n) % 2, edges=(EDGE, thickness, EDGE)).biopsy(3.0).figures()
    )
    mm2 = 20.0 * 40.0 * 1e-6
    if thickness == 100.0:
        met = np.abs(places[:, 1] - 50.0) < 2.5 + 4.0
        # as many of n as a binomial number of share 0.13 has: four standard deviations are 190 of 2600, 7.3 %
        assert value(figures, "cells, profiles in 5 um", "papillary") == pytest.approx(
            met.sum() / mm2, rel=0.073
        )
    whole = {kind: value(figures, kind, "papillary") for kind in ("cells", "fibroblasts", "neutrophils")}
    for kind, found in whole.items():
        seen = value(figures, f"{kind}, profiles in 5 um", "papillary")
        assert seen == pytest.approx(found * 13.0 / thickness)


def test_both_counts_say_of_what_they_are():
    definitions = (
        one_day().biopsy(3.0).figures().drop_duplicates("quantity").set_index("quantity")["definition"]
    )
    assert "100 um section" in definitions["fibroblasts"]
    thin = definitions["fibroblasts, profiles in 5 um"]
    for said in ("cut of 5 um", "0.13 times the cells of the 100 um section", "Abercrombie 1946"):
        assert said in thin


def test_the_summary_holds_every_figure_once():
    figures = fake_section().figures()
    summary = fake_section().summary()
    assert list(summary.index) == list(dict.fromkeys(figures["quantity"]))
    assert list(summary.columns) == [
        "unit",
        "epidermis",
        "papillary",
        "upper_reticular",
        "lower_reticular",
        "dermis",
    ]
    for row in figures.itertuples():
        assert summary.loc[row.quantity, row.layer] == row.value
        assert summary.loc[row.quantity, "unit"] == row.unit
    assert summary.iloc[:, 1:].count().sum() == len(figures)


def test_a_block_is_cut_where_asked():
    field = np.arange(6 * 3 * 4, dtype=float).reshape(6, 3, 4)
    places = [[5, 5, 5], [5, 25, 5], [5, 29.9, 15], [5, 30.0, 15]]
    tissue = one_day({"elastin": field}, places=places, kinds=[0, 0, 1, 1], edges=(EDGE, EDGE, EDGE))
    middle, last = tissue.biopsy(3.0), tissue.biopsy(3.0, y_um=28.0)
    assert (middle.y_um, last.y_um, last.thickness_um) == (15.0, 25.0, 10.0)
    assert middle.cells.empty
    assert last.cells["identity"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(last.fields["elastin"].values, field[:, 2])
    assert middle.layers == ("papillary", "upper_reticular", "lower_reticular")


@pytest.mark.parametrize("off", [0.0, 0.6, 0.9])
@pytest.mark.parametrize("reach", [600.0, 900.0])
def test_a_track_is_as_wide_as_the_tissue_killed_in_its_plane(off, reach):
    away = off * (NEEDLE_UM + CRUSH_UM)
    (track,) = one_day(channels=[(0.0, np.array([[5.0 + away, 20.0, reach]]))]).biopsy(3.0).tracks
    # the same channel as treatment draws it: its radius at each depth, cut by a plane beside its axis
    alone = dataclasses.replace(NEEDLES, reach_mm=np.array([reach / 1000.0]))
    inside = track.depth_um[:-1]  # at the very end of a tip the radius falls to nothing
    radius = 1000.0 * alone.kill_radii((inside + TOP_UM) / 1000.0)[:, 0]
    np.testing.assert_allclose(track.half_width_um[:-1], np.sqrt(radius**2 - away**2), rtol=1e-9)
    assert track.depth_um[0] == 0.0
    beyond = 1000.0 * alone.kill_radii(np.array([(track.depth_um[-1] + TOP_UM + 1e-6) / 1000.0]))[0, 0]
    assert beyond <= max(away, 0.0) or beyond == 0.0


def test_a_session_of_which_nothing_is_known_leaves_no_track():
    tissue = one_day(channels=[(0.0, np.array([[5.0, 20.0, 400.0]]))])
    unknown = dataclasses.replace(tissue, channels=[(1.0, tissue.channels[0][1])])
    assert unknown.biopsy(3.0).tracks == ()
    bare = dataclasses.replace(tissue, provenance={})
    assert bare.biopsy(3.0).tracks == ()


def test_channels_beside_above_or_after_the_section_leave_no_track():
    beside = [5.0 + NEEDLE_UM + CRUSH_UM + 1.0, 20.0, 400.0]
    shallow = [5.0, 20.0, 0.9 * TOP_UM]
    later = (5.0, np.array([[5.0, 20.0, 400.0]]))
    tissue = one_day(channels=[(0.0, np.array([beside, shallow])), later])
    assert tissue.biopsy(3.0).tracks == ()


def test_figures_without_their_fields_are_left_out():
    found = set(one_day({"elastin": columns(4, 8, 0, 0, 0, 0)}).biopsy(3.0).figures()["quantity"])
    counts = ["cells", "neutrophils", "fibroblasts"]
    assert found == {
        "elastic fibre area fraction",
        *counts,
        *(f"{kind}, profiles in 5 um" for kind in counts),
    }


def test_a_bundle_is_never_more_than_full():
    share = fake_section(collagen_mature=900.0).collagen_fraction()
    assert share.max() == 1.0


def test_a_day_or_a_place_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="day 4 was not kept"):
        one_day().biopsy(4.0)
    with pytest.raises(InputError, match="y_um 150 um is outside 0 to 100 um"):
        one_day().biopsy(3.0, y_um=150.0)


def test_a_biopsy_says_what_it_holds():
    assert "60 cells, 1 needle track." in repr(fake_section())
