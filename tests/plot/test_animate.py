import base64
import html
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from collagensim import plot
from collagensim.errors import FileError, InputError
from collagensim.notice import NOTICE
from collagensim.plot.films import changes, fitted, reduced
from collagensim.plot.scenes import Scene, laid_out, scaled
from collagensim.plot.stains import STAINS
from collagensim.plot.views import Mapped, Stained, window
from naive.fake_tissue import EDGE, LAYERS, SLAB, fake_snapshot, fake_tissue

MASSON = STAINS["masson"]
NZ, NX = 24, 40
WORDS = "Day 3|papillary|µm|needle track|time [day]|equally long|not medical advice".split("|")
CHANNEL = (0.0, np.array([[5.0, 200.0, 500.0]]))


def moment(day, **levels):
    """A small slice with a few cells; ``levels``: field -> value everywhere."""
    known = {"collagen_iii": 30.0, "collagen_mature": 140.0, "elastin": 6.0, "fibre_alignment": 0.2, **levels}
    fields = {name: np.full((NZ, 1, NX), value) for name, value in known.items()}
    surface = {"epidermal_cover": np.ones((1, NX)), "epidermal_thickness": np.full((1, NX), 70.0)}
    places = np.random.Generator(np.random.Philox(int(8 * day))).random((12, 3)) * [
        NZ * EDGE,
        SLAB,
        NX * EDGE,
    ]
    return fake_snapshot(fields, surface, places, np.arange(12) % 2, layer=np.repeat([0, 1, 2], NZ // 3))


def tissue_of(days=(0.0, 0.25, 3.0), moments=None):
    made = fake_tissue(moments or {day: moment(day, collagen_iii=30.0 + day) for day in days}, [CHANNEL])
    time = np.arange(0.0, 5.0)
    counts = {"units": "cell/mm^3"}
    data = xr.Dataset(
        {"neutrophils": (("time", "layer"), 10.0 + np.outer(time, [1.0, 2.0, 6.0]), counts)},
        coords={
            "time": time, "layer": list(LAYERS), "layer_thickness": made.data["layer_thickness"],
        },
    )  # fmt: skip
    return replace(made, data=data)


@pytest.fixture(scope="module")
def film():
    return plot.animate(tissue_of(), width_px=480)


def rgb(picture):
    return np.asarray(picture.convert("RGB"))


def test_there_is_one_frame_for_each_kept_day(film):
    assert film.days == (0.0, 0.25, 3.0)
    assert film.labels == ("day 0, before the session", "day 0.25", "day 3")
    assert len({frame.size for frame in film.frames}) == 1
    assert film.size[0] == 480
    assert plot.animate(tissue_of(), days=[0.25, 3], width_px=480).days == (0.25, 3.0)


def test_a_gif_holds_every_frame_exactly_and_for_equal_times(film, tmp_path):
    assert film.save(tmp_path / "film.gif") == tmp_path / "film.gif"
    with Image.open(tmp_path / "film.gif") as found:
        assert found.n_frames == 3
        assert found.info["loop"] == 0
        assert found.info["comment"].decode() == NOTICE
        for i, frame in enumerate(film.frames):
            found.seek(i)
            assert found.info["duration"] == 1000
            np.testing.assert_array_equal(rgb(found), rgb(frame))


def pictures_of(page):
    found = re.findall(r'<img alt="([^"]*)" src="data:image/png;base64,([^"]*)">', page)
    return {html.unescape(alt): Image.open(io.BytesIO(base64.b64decode(data))) for alt, data in found}


def test_pictures_of_a_page_laid_on_one_another_are_the_frames(film, tmp_path):
    pictures = pictures_of(film.save(tmp_path / "film.html").read_text(encoding="utf-8"))
    assert tuple(pictures) == film.labels
    canvas = Image.new("RGBA", film.size)
    for picture, frame in zip(pictures.values(), film.frames, strict=True):
        canvas.alpha_composite(picture.convert("RGBA"))
        np.testing.assert_array_equal(rgb(canvas), rgb(frame))


def test_later_pictures_hold_only_what_changes(film):
    first, *rest = (Image.open(io.BytesIO(data)).convert("RGBA") for data in changes(film.frames))
    assert np.all(np.asarray(first)[..., 3] == 255)
    for picture, before, now in zip(rest, film.frames, film.frames[1:], strict=False):
        np.testing.assert_array_equal(np.asarray(picture)[..., 3] > 0, np.asarray(before) != np.asarray(now))


def test_a_page_asks_no_network(film):
    page = film.page()
    assert "default-src 'none'; img-src data:" in page
    assert not re.search(
        r"https?:|//[a-z]+\.|url\(|@import|<link|<iframe", re.sub(r"base64,[^\"]*", "", page)
    )
    assert NOTICE in page


def test_a_notebook_shows_the_page_in_a_frame_that_cannot_reach_out(film):
    shown = film._repr_html_()
    assert 'sandbox="allow-scripts"' in shown
    assert html.unescape(re.search(r'srcdoc="([^"]*)"', shown)[1]) == film.page()


def test_between_frames_of_the_same_tissue_only_heading_and_time_line_change():
    same = moment(1.0)
    first, second = plot.animate(tissue_of(moments={1.0: same, 3.0: same}), width_px=480).frames
    rows = np.flatnonzero(np.any(rgb(first) != rgb(second), axis=(1, 2)))
    section = tissue_of().biopsy(3.0)
    at = laid_out(window(section), Stained([section], MASSON))
    inch = 480 / at.page
    heading, line = rows < inch * 0.45, rows > inch * (at.high - at.line_foot - 1.3)
    assert rows.size
    assert np.all(heading | line)


def test_a_value_has_the_same_colour_in_every_frame():
    moments = {
        day: moment(day, vegf=value) for day, value in ((1.0, 2.0), (2.0, 5.0), (3.0, 2.0), (4.0, 8.0))
    }
    tissue = tissue_of(moments=moments)
    view = Mapped([tissue.biopsy(day) for day in moments], MASSON, "vegf", None, ())
    frames = [rgb(frame) for frame in plot.animate(tissue, field="vegf", width_px=480).frames]
    for value, where in ((2.0, [0, 2]), (5.0, [1]), (8.0, [3])):
        colour = view.scale.tones(view.scale.limits(value), bytes=True)[:3]
        share = [np.mean(np.all(frame == colour, axis=-1)) for frame in frames]
        # the map covers a quarter of the picture; the colour bar has little of each colour
        assert [i for i, part in enumerate(share) if part > 0.1] == where


@pytest.mark.parametrize(
    ("limits", "beyond"),
    [
        (None, "neither"),
        ((2.0, 4.0), "max"),
        ((3.0, 8.0), "min"),
        ((3.0, 4.0), "both"),
        ((0.0, 9.0), "neither"),
    ],
)
def test_a_bar_says_that_values_lie_beyond_its_ends(limits, beyond):
    sections = [
        tissue_of(moments={day: moment(day, vegf=day) for day in (2.0, 5.0)}).biopsy(day)
        for day in (2.0, 5.0)
    ]
    assert Mapped(sections, MASSON, "vegf", limits, ()).scale.beyond == beyond


def test_a_field_without_contrast_can_be_drawn():
    limits = Mapped([tissue_of().biopsy(3.0)], MASSON, "elastin", None, ()).scale.limits
    assert (limits.vmin, limits.vmax) == (6.0, 12.0)
    assert len(plot.animate(tissue_of(), field="elastin", cells=["neutrophils"], width_px=480)) == 3


def test_a_course_is_the_mean_by_thickness_between_its_lowest_and_highest():
    values = tissue_of().data["neutrophils"]
    values = values.assign_coords(layer_thickness=("layer", [0.2, 0.3, 0.5]))
    curve, said = scaled(values)
    # 0.2 * 1 + 0.3 * 2 + 0.5 * 6 = 3.8 for each of four days; the means round in their last digit
    np.testing.assert_allclose(curve, [0.0, 0.25, 0.5, 0.75, 1.0], atol=1e-15)
    assert said == "10 to 25.2 cells/mm³"
    flat, said = scaled(xr.full_like(values, 2.0))
    assert not flat.any()
    assert said == "2 to 2 cells/mm³"


def test_on_the_day_of_a_session_no_track_is_drawn_yet():
    tissue = tissue_of()
    assert [len(tissue.biopsy(day).tracks) for day in (0.0, 0.25, 3.0)] == [0, 1, 1]


def test_fixed_colours_survive_however_rare_they_are():
    rng = np.random.Generator(np.random.Philox(3))
    pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    pixels[0, 0], pixels[0, 1], pixels[0, 2] = (255, 255, 255), (251, 250, 248), (224, 98, 47)
    picture = Image.fromarray(pixels)
    palette = fitted([picture], ("#ffffff", "#fbfaf8", "#e0622f"))
    found = reduced(picture, palette)
    np.testing.assert_array_equal(rgb(found)[0, :3], pixels[0, :3])
    assert np.asarray(found).max() < 255  # the last one means "as before"


@pytest.mark.parametrize("view", ["masson", "picrosirius", "map"])
@pytest.mark.parametrize("deep", [True, False])
def test_no_word_is_cut_off_and_all_are_legible(view, deep):
    tissue = tissue_of() if not deep else tissue_of(moments={day: deeper(day) for day in (0.0, 3.0)})
    sections = [tissue.biopsy(day) for day in tissue.snapshots]
    kinds = ("neutrophils", "fibroblasts")
    drawn = (
        Mapped(sections, MASSON, "elastin", None, kinds) if view == "map" else Stained(sections, STAINS[view])
    )
    scene = Scene(tissue, sections, drawn, ["neutrophils"], 960)
    scene.picture(sections[-1])
    said = " ".join(text.get_text() for text in scene.figure.findobj(match=Text))
    for word in (*WORDS, drawn.title):
        assert word in said
    assert ("the framed part" in said) == (deep and view != "map")
    canvas = FigureCanvasAgg(scene.figure)
    for text in scene.figure.findobj(match=Text):
        if text.get_text() and text.get_visible():
            assert text.get_fontsize() >= 9.0, text
            box = text.get_window_extent(canvas.get_renderer())
            assert box.x0 >= 0, text
            assert box.x1 <= scene.figure.bbox.width, text
            assert box.y0 >= 0, text
            assert box.y1 <= scene.figure.bbox.height, text


def deeper(day):
    """A slice deeper than wide, and large enough to magnify a part of it."""
    fields = {
        name: np.full((180, 1, 150), value) for name, value in (("collagen_mature", 9.0), ("elastin", 1.0))
    }
    return fake_snapshot(fields, {}, [[300.0, 5.0, 200.0]], [1], layer=np.repeat([0, 1, 2], 60))


def test_pictures_are_the_same_again_and_leave_global_chance_alone(film):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    again = plot.animate(tissue_of(), width_px=480)
    assert again.page() == film.page()
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_a_tissue_of_another_model_gets_its_own_courses_or_none():
    bare = fake_tissue({day: moment(day) for day in (1.0, 2.0)})
    assert bare.data.data_vars == {}
    bare = replace(bare, provenance={"seed": 1})
    assert len(plot.animate(bare, width_px=480)) == 2


def test_a_film_that_cannot_be_written_leaves_what_was_there(film, tmp_path, monkeypatch):
    target = tmp_path / "film.gif"
    target.write_bytes(b"before")
    monkeypatch.setattr(Path, "write_bytes", broken_disk)
    with pytest.raises(FileError, match="No space left"):
        film.save(target)
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["film.gif"]


def broken_disk(path, content):
    with path.open("wb") as handle:
        handle.write(content[:100])
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"stain": "mason"}, "did you mean 'masson'"),
        ({"field": "elastn"}, "did you mean 'elastin'"),
        ({"field": "epidermal_cover"}, "lies on the surface"),
        ({"days": [0, 4]}, "day 4 was not kept: this tissue has days 0, 0.25, 3"),
        ({"days": [3]}, "two kept days or more"),
        ({"days": []}, "days is empty"),
        ({"path": "film.mp4"}, "ends in .gif or .html, for example 'film.gif'"),
        ({"limits": (0, 1)}, "limits belong to the map of a field"),
        ({"cells": "neutrophils"}, "cells belong to the map of a field"),
        ({"field": "elastin", "cells": "neutrophil"}, "did you mean 'neutrophils'"),
        ({"field": "elastin", "limits": [1, 2, 3]}, "are not two numbers"),
        ({"courses": "neutrofils"}, "did you mean 'neutrophils'"),
        ({"seconds": 0.0}, "the nearest valid value is 0.05 s"),
        ({"width_px": 100}, "the nearest valid value is 480"),
    ],
)
def test_what_cannot_be_drawn_gets_one_sentence(given, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        plot.animate(tissue_of(), **given)


def test_a_missing_folder_is_told_before_anything_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(Scene, "picture", None)
    with pytest.raises(FileError, match="does not exist"):
        plot.animate(tissue_of(), tmp_path / "none" / "film.gif")
    with pytest.raises(InputError, match="is not a Tissue"):
        plot.animate("tissue")
