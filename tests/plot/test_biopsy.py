import dataclasses
import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnchoredOffsetbox
from matplotlib.text import Text

from collagensim import plot
from collagensim.errors import InputError
from collagensim.plot.biopsy import paint
from collagensim.plot.epidermis import epidermis, openings, surface
from collagensim.plot.histology import LOOKS, WEAVES, bundles, cells, look_of, vessels
from collagensim.plot.outlines import angle_of, areas, drift, marks, marks_of, ovals, scores
from collagensim.plot.stains import STAINS
from naive.fake_tissue import KINDS, SLAB, fake_section, fake_snapshot, fake_tissue

MASSON = STAINS["masson"]


def covered(shapes, wide, high):
    """Share of a window of the dermis that outlines cover, on a raster of 1 um."""
    figure = Figure(figsize=(wide / 100.0, high / 100.0), dpi=100, facecolor="white")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, wide), ylim=(high, 0))
    ax.axis("off")
    for each in shapes:
        ax.add_collection(PolyCollection(list(each.outlines), facecolors="black", linewidths=0.0))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=100)
    pixels = np.frombuffer(buffer.getvalue(), dtype=np.uint8)[::4]
    return 1.0 - float(pixels.mean()) / 255.0


@pytest.mark.parametrize("mature", [50.0, 200.0])
def test_drawn_bundles_cover_the_collagen_fraction(mature):
    sections = [fake_section(collagen_mature=mature, seed=seed) for seed in range(3)]
    share = float(sections[0].collagen_fraction().mean())
    found = [covered(bundles(section, MASSON), 800.0, 480.0) for section in sections]
    # N bundles of unequal area scatter the cover by (1 - share) n a sqrt(2 / N): 0.02 where 430 of them cover 0.6 of a
    # reticular third of the section, 0.012 over three thirds, 0.007 over three sections: four times that.
    assert np.mean(found) == pytest.approx(share, abs=0.028)


def test_less_collagen_draws_some_of_the_same_bundles():
    full, less = (bundles(fake_section(collagen_mature=level), MASSON) for level in (140.0, 100.0))
    for before, after in zip(full, less, strict=True):
        kept = {outline.tobytes() for outline in before.outlines}
        assert 0 < len(after.outlines) < len(before.outlines)
        assert {outline.tobytes() for outline in after.outlines} <= kept


@pytest.mark.parametrize("order", [0.1, 0.5, 0.9])
def test_drawn_angles_have_the_order_of_the_fibres(order):
    u = marks(3, 5, 40000, 2)
    angles = angle_of(np.full(40000, order), scores(u[0], u[1]))
    # cos 2a lies within -1 and 1, so its standard deviation is at most 1: four standard errors are 4 / 200
    assert np.cos(2.0 * angles).mean() == pytest.approx(order, abs=0.02)


def test_bundles_drift_together_without_losing_their_spread():
    u = marks(3, 6, 40000, 2)
    found = np.concatenate([drift(1e5 * u[0], 1e5 * u[1], seed, 45.0) for seed in range(4)])
    # 48 random waves, drawn once per seed, average over an area many wavelengths wide: nearly exact
    assert found.mean() == pytest.approx(0.0, abs=0.02)
    assert found.var() == pytest.approx(1.0, abs=0.05)


def test_types_of_collagen_are_drawn_in_their_shares():
    section = fake_section(collagen_iii=60.0, collagen_i=0.0, collagen_mature=120.0)
    green = 0
    total = 0
    for shapes in bundles(section, STAINS["picrosirius"]):
        green += int((shapes.colours[:, 1] > shapes.colours[:, 0]).sum())
        total += len(shapes.colours)
    # a binomial share of about 3500 bundles of three strands: four standard errors are 4 sqrt(0.22 / 3500)
    assert green / total == pytest.approx(1.0 / 3.0, abs=0.035)


def test_capillaries_are_as_many_as_their_density_says():
    counts = [len(vessels(fake_section(seed=seed), MASSON)[0].outlines) for seed in range(20)]
    expected = 60.0 * 0.8 * 0.48  # per mm2 times mm2
    assert np.mean(counts) == pytest.approx(expected, abs=4.0 * np.sqrt(expected / 20))


def test_every_cell_is_drawn_where_it_is():
    section = fake_section()
    drawn = cells(section, MASSON)
    assert len(drawn) == 2 * len(KINDS)
    for kind, bodies, nuclei in zip(KINDS, drawn[: len(KINDS)], drawn[len(KINDS) :], strict=True):
        here = section.cells[section.cells["kind"] == kind]
        look = LOOKS[kind]
        assert len(nuclei.outlines) == look.n_lobes * len(here)
        middle = nuclei.outlines.mean(axis=1).reshape(look.n_lobes, len(here), 2).mean(axis=0)
        # an uneven nucleus has its middle within a micrometre of the cell's
        np.testing.assert_allclose(middle, here[["x", "z"]].to_numpy(), atol=1.0)
        assert len(bodies.outlines) == len(here)


def test_a_cell_unknown_to_the_atlas_is_drawn_under_its_name():
    assert look_of("mast_cells").name == "mast cells"


def test_a_cell_keeps_its_shape_for_life():
    identity = np.array([3, 9, 2**63 + 5], dtype=np.uint64)
    np.testing.assert_array_equal(marks_of(identity, 2)[1:], marks_of(identity[1:], 2))
    assert not np.any(marks_of(identity, 2) == marks_of(identity, 3))


def test_marks_of_cells_are_uniform():
    found = marks_of(np.arange(10000, dtype=np.uint64), 2)
    assert found.mean() == pytest.approx(0.5, abs=4.0 / np.sqrt(12 * 10000))
    assert found.var() == pytest.approx(
        1.0 / 12.0, abs=0.004
    )  # sd of the variance: sqrt(1 / 180 / 1e4) = 0.00075


def test_an_opening_is_as_wide_as_what_is_not_covered():
    cover = np.array([1.0, 1.0, 0.8, 0.1, 0.3, 1.0, 1.0, 0.0])
    (first, second) = openings(cover, 10.0)
    assert first[1] - first[0] == pytest.approx(18.0)  # 0.2 + 0.9 + 0.7 voxels
    assert 0.5 * sum(first) == pytest.approx((25.0 * 0.2 + 35.0 * 0.9 + 45.0 * 0.7) / 1.8)  # where that lies
    assert second == pytest.approx((70.0, 80.0))
    assert openings(np.ones(8), 10.0) == ()


@pytest.mark.parametrize(("cover", "drawn"), [(0.0, False), (0.3, False), (0.66, True)])
def test_inside_a_hole_without_a_rim_all_is_drawn_as_most_of_it_is(cover, drawn):
    section = fake_section(epidermal_cover=cover, provisional_matrix=3.0)
    border = surface(section)
    assert np.all((border.there > 0.0) == drawn)
    shapes = epidermis(section, MASSON, border)
    assert any(each.of == "fibrin" for each in shapes) == (not drawn)
    said = " ".join(text.get_text() for text in plot.biopsy(section).findobj(match=Text)).replace("\n", " ")
    assert "drawn bare until half of it is covered" in said


def test_a_section_with_a_rim_says_nothing_of_one():
    cover = np.where(np.abs(np.arange(80) - 40) < 6, 0.3, 1.0)
    for each in (1.0, cover):
        figure = plot.biopsy(fake_section(epidermal_cover=each))
        assert not any("drawn bare" in text.get_text() for text in figure.findobj(match=Text))


def named(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("stain", [name for name in STAINS if name != "picrosirius"])
def test_the_key_names_fibrin_where_some_is_drawn_alone(stain):
    assert "fibrin" not in named(plot.biopsy(fake_section(), stain=stain))
    assert "fibrin" in named(plot.biopsy(fake_section(provisional_matrix=2.0), stain=stain))


@pytest.mark.parametrize("stain", list(STAINS))
def test_whatever_is_drawn_of_fibres_and_vessels_is_in_the_key(stain):
    section = with_vessels(fake_section(provisional_matrix=2.0))
    drawn = {shapes.of for shapes in paint(section, STAINS[stain]) if shapes.outlines.size} - {""}
    told = {of for _, _, of in STAINS[stain].key}
    # between crossed filters fibrin and vessels are as dark as the ground
    assert drawn - told == ({"fibrin", "vessel cut across"} if stain == "picrosirius" else set())
    assert told <= drawn


def with_vessels(section):
    """A section with vessels that run along x, 50 pieces of 16 um."""
    x, one = np.arange(0.0, 800.0, 16.0), np.ones(50)
    pieces = pd.DataFrame({
        "z0": 40 * one, "y0": 50 * one, "x0": x, "z1": 40 * one, "y1": 50 * one, "x1": x + 16.0, "length": 16 * one,
        "branch": np.zeros(50, dtype=int), "has_tip": np.zeros(50, dtype=bool),
        "number": np.arange(50, dtype=np.uint64),
    })  # fmt: skip
    return dataclasses.replace(section, vessels=pieces)


def test_the_key_of_vessels_has_the_colours_in_which_they_are_drawn():
    section, stain = with_vessels(fake_section()), STAINS["cd31"]
    painted = {shapes.of: shapes.colours[0] for shapes in vessels(section, stain) if shapes.of}
    key = {of: colour for _, colour, of in stain.key}
    assert set(painted) == {"vessel lengthwise", "vessel cut across"}
    for of, colour in painted.items():
        np.testing.assert_array_equal(to_rgb(key[of]), colour)
    assert "vessel lengthwise" not in named(plot.biopsy(fake_section(), stain="cd31"))


@pytest.mark.parametrize("nx", [10, 20, 40, 80, 300])
def test_the_scale_bar_and_its_words_keep_off_the_edges(nx):
    figure = plot.biopsy(fake_section(nx=nx))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for ax in figure.axes:
        (box,) = ax.findobj(match=AnchoredOffsetbox)
        inner, words = box.get_child().get_window_extent(), box.findobj(match=Text)[0].get_window_extent()
        (line,) = box.findobj(match=Line2D)
        length = float(words_of(box).removesuffix(" µm"))
        unit = ax.transData.transform([[0.0, 0.0], [length, 0.0]])
        assert np.ptp(line.get_window_extent().intervalx) == pytest.approx(
            unit[1, 0] - unit[0, 0], abs=4.0
        )  # its caps
        for part in (inner, words):
            # a tenth of an inch on the page
            assert part.x1 <= ax.bbox.x1 - 0.1 * figure.dpi
            assert part.y0 >= ax.bbox.y0 + 0.1 * figure.dpi
            assert part.x0 >= ax.bbox.x0


def words_of(box):
    return box.findobj(match=Text)[0].get_text()


def test_the_epidermis_is_drawn_at_its_thickness():
    border = surface(fake_section(nx=208, epidermal_thickness=64.0))
    # waves have mean 0 over the section and one step beyond each of its ends
    assert (border.under - border.top).mean() == pytest.approx(64.0, abs=1e-9)
    assert border.under.mean() == pytest.approx(0.0, abs=1e-9)


def test_no_keratinocyte_is_drawn_in_an_opening():
    cover = np.where(np.abs(np.arange(80) - 40) < 6, 0.0, 1.0)
    section = fake_section(epidermal_cover=cover)
    border = surface(section)
    (left, right) = border.gaps[0]
    for shapes in epidermis(section, MASSON, border):
        middle = shapes.outlines.mean(axis=1)
        if len(shapes.outlines) > 2:
            assert not np.any((middle[:, 0] > left) & (middle[:, 0] < right))


def test_an_opening_over_a_clot_bears_a_crust():
    cover = np.where(np.abs(np.arange(80) - 40) < 6, 0.0, 1.0)
    counts = []
    for fibrin in (0.0, 3.0):
        section = fake_section(epidermal_cover=cover, provisional_matrix=fibrin)
        counts.append(len(epidermis(section, MASSON, surface(section))))
    assert counts[1] == counts[0] + 1


def test_ovals_have_the_area_of_an_ellipse():
    one = np.ones(1)
    # a polygon of m corners has sin(2 pi / m) / (2 pi / m) of it
    corners = np.sin(2 * np.pi / 12) / (2 * np.pi / 12)
    assert areas(ovals(one, one, one, 12 * one, 4 * one))[0] == pytest.approx(np.pi * 6 * 2 * corners)


@pytest.mark.parametrize("stain", list(STAINS))
def test_a_sheet_names_day_stain_layers_tracks_and_scale(stain):
    figure = plot.biopsy(fake_section(), stain=stain)
    said = " ".join(text.get_text() for text in figure.findobj(match=Text))
    for word in ("Day 3", STAINS[stain].title, "epidermis", "papillary", "reticular", "needle track", "µm",
                 "Simulated section", "100 µm thick", "not medical advice"):  # fmt: skip
        assert word in said
    assert min(text.get_fontsize() for text in figure.findobj(match=Text) if text.get_text()) >= 9.0


def test_no_word_on_the_sheet_is_cut_off():
    figure = plot.biopsy(fake_section())
    FigureCanvasAgg(figure).draw()
    for text in figure.findobj(match=Text):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert box.x0 >= 0, text
            assert box.x1 <= figure.bbox.width, text
            assert box.y0 >= 0, text
            assert box.y1 <= figure.bbox.height, text


def test_a_picture_is_the_same_again_and_leaves_global_chance_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (rendered(plot.biopsy(fake_section())) for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert rendered(plot.biopsy(fake_section(seed=2))) != first


def rendered(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=50)
    return buffer.getvalue()


def test_it_draws_into_the_axes_given():
    ax = Figure().add_subplot()
    assert plot.biopsy(fake_section(), ax=ax) is ax.figure
    assert len(ax.figure.axes) == 1
    assert ax.collections


def test_layers_are_woven_finer_above():
    assert WEAVES[0].width[1] < WEAVES[1].width[1] < WEAVES[2].width[1]


def test_a_tissue_shows_its_last_day_unless_told():
    fields = {"elastin": np.full((6, 1, 40), 4.0)}
    tissue = fake_tissue({day: fake_snapshot(fields, {}, [[5, SLAB / 2, 5]], [1]) for day in (1.0, 3.0)})
    for day, said in ((None, "Day 3,"), (1.0, "Day 1,")):
        figure = plot.biopsy(tissue, day, stain="vvg")
        assert figure.axes[0].get_title(loc="left").startswith(said)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="did you mean 'picrosirius'"):
        plot.biopsy(fake_section(), stain="picrosirus")
    with pytest.raises(InputError, match="the biopsy is of day 3, not 5"):
        plot.biopsy(fake_section(), 5.0)
    with pytest.raises(InputError, match="is not a Biopsy"):
        plot.biopsy("tissue")


def test_leading_keratinocytes_are_drawn_where_they_are():
    cover = np.where(np.abs(np.arange(80) - 40) < 6, 0.0, 1.0)
    section = fake_section(epidermal_cover=cover)
    seats = pd.DataFrame({
        "x": np.arange(5.0, 800.0, 10.0), "taken": cover > 0.0, "leading": np.isin(np.arange(80), [34, 46]),
        "struck": np.abs(np.arange(80) - 40) < 16,
    })  # fmt: skip
    new = dataclasses.replace(section, basal_cells=seats)
    border = surface(new)
    drawn, plain = (epidermis(s, MASSON, surface(s)) for s in (new, section))
    # a body and a nucleus for each
    assert len(drawn) == len(plain) + 2
    bodies = next(s for s in drawn if len(s.outlines) == 2)
    np.testing.assert_allclose(bodies.outlines[..., 0].mean(axis=1), [345.0, 465.0])
    # The wound reaches from the last seat that was spared on the left to the first on the right.
    assert border.gaps == ((350.0, 460.0),)
    assert border.wounds == ((245.0, 565.0),)
    # New epidermis is thinner than old all along.
    new_ground = (border.x > 250.0) & (border.x < 560.0)
    assert np.all(border.there[new_ground] <= surface(section).there[new_ground])
