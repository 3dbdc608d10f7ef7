import io
import itertools
import sys

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from collagensim import plot
from collagensim.errors import InputError
from collagensim.plot import look
from collagensim.response import Course, Response, as_dataset
from collagensim.skin import Skin
from collagensim.treatment import Session
from naive.fake_tissue import fake_averages, fake_replicates

DEPTHS, SPACINGS = np.array([0.5, 1.0, 1.5, 2.0]), np.array([7.0, 14.0, 28.0])


def scanned(shape):
    values = np.outer(DEPTHS, SPACINGS)[: shape[0], : shape[1]]
    return xr.Dataset(
        {
            "collagen_mass_change": (("depth_mm", "spacing_days"), values - 20.0, {"units": "%"}),
            "status": (("depth_mm", "spacing_days"), np.full(values.shape, "ok", dtype=object)),
        },
        coords={
            "depth_mm": ("depth_mm", DEPTHS[: shape[0]], {"units": "mm"}),
            "spacing_days": ("spacing_days", SPACINGS[: shape[1]], {"units": "day"}),
        },
        attrs={"days": 365.0},
    )


@pytest.fixture
def figures(response, fake):
    other = fake.fake_response(fake.fake_course(days=200.0, session_days=(0.0, 14.0)))
    layers = list(fake.LAYERS)
    return {
        "one curve": plot.timeline(response, "collagen_total"),
        "two responses": plot.timeline([response, other], ["collagen_i", "erythema"], layers=layers[:2]),
        "fold": plot.timeline(response, ["collagen_i", "elastin", "vegf"], layers=layers, fold=True),
        "both models": plot.timeline(
            [response, fake_averages(), fake_replicates()], ["fibroblasts", "erythema"]
        ),
        "replicates": plot.timeline(fake_replicates(), "fibroblasts", layers=layers, fold=True),
        "layers": plot.layers(response, "collagen_iii"),
        "overview": plot.overview(response),
        "curve": plot.scan(scanned((4, 1))),
        "map": plot.scan(scanned((4, 3)), "collagen_mass_change"),
        "needles": plot.injury(Skin(), Session(depth_mm=1.5, density_per_cm2=250)),
        "shallow": plot.injury(Skin(), Session(device="stamp", depth_mm=0.05)),
        "punch": plot.injury(Skin(site="abdomen"), Session(device="punch")),
    }


def data_axes(figure):
    return [ax for ax in figure.axes if ax.has_data()]


def test_every_axis_says_what_it_shows_and_in_which_unit(figures):
    for name, figure in figures.items():
        for ax in data_axes(figure):
            shared = name in ("needles", "shallow", "punch") and ax is not figure.axes[0]
            twin = ax.yaxis.get_label_position() == "right"
            labels = [] if twin or ax.get_label() == "<colorbar>" else [ax.get_xlabel()]
            labels += [] if shared else [ax.get_ylabel()]
            for label in labels:
                assert label.endswith("]"), (name, label)
                assert "[" in label[1:-2], (name, label)


def test_curves_of_one_panel_differ_in_style_or_marker_not_only_in_colour(figures):
    for name in ("two responses", "both models", "replicates", "fold", "layers", "overview"):
        for ax in data_axes(figures[name]):
            lines = [line for line in ax.get_lines() if not line.get_label().startswith("_")]
            for one, two in itertools.combinations(lines, 2):
                looks = [(line._dash_pattern, line.get_marker()) for line in (one, two)]
                assert looks[0] != looks[1], (name, one.get_label(), two.get_label())


def test_text_is_legible_at_lecture_size(figures):
    for name, figure in figures.items():
        figure.draw_without_rendering()
        for text in figure.findobj(matplotlib.text.Text):
            if text.get_text() and text.get_visible():
                assert text.get_fontsize() >= 9.0, (name, text.get_text())


def test_every_figure_says_that_it_is_no_advice(figures):
    for name, figure in figures.items():
        assert any("not medical advice" in text.get_text() for text in figure.texts), name


def test_colours_stay_apart_for_colour_blind_eyes_and_in_grey():
    """Machado, Oliveira & Fernandes 2009, full deuteranopia and protanopia, in linear RGB.

    Two of the first five colours are at least 0.1 apart (of 0 to 1) for every kind of eye; line styles do the rest.
    """
    views = [
        np.eye(3),
        np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
        np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    ]
    rgb = np.array([matplotlib.colors.to_rgb(colour) for colour in look.COLOURS[:5]])
    for view in views:
        seen = np.clip(rgb**2.2 @ view.T, 0.0, 1.0) ** (1 / 2.2)
        for one, two in itertools.combinations(seen, 2):
            assert np.abs(one - two).max() > 0.1


def test_figures_are_shown_by_notebooks_without_pyplot(figures):
    assert figures["one curve"]._repr_png_()[:4] == b"\x89PNG"
    assert isinstance(figures["map"], Figure)
    assert not getattr(sys.modules.get("matplotlib.pyplot"), "get_fignums", list)()


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_figures_can_be_saved(figures, ending):
    buffer = io.BytesIO()
    figures["overview"].savefig(buffer, format=ending)
    assert buffer.tell() > 10_000


def test_a_curve_is_the_data_of_its_layer(response):
    figure = plot.timeline(response, "collagen_i", layers=["lower_reticular"])
    line = figure.axes[0].get_lines()[0]
    np.testing.assert_array_equal(line.get_ydata(), response.data["collagen_i"].values[:, 2])
    np.testing.assert_array_equal(line.get_xdata(), response.data["time"].values)


def test_a_response_and_a_tissue_are_drawn_on_one_plot(response):
    tissue = fake_averages(gain=0.7)
    figure = plot.timeline([response, tissue], ["fibroblasts", "erythema"], layers=["upper_reticular"])
    for ax, name in zip(figure.axes, ("fibroblasts", "erythema"), strict=True):
        for line, course in zip(ax.get_lines()[:2], (response, tissue), strict=True):
            values = course.data[name]
            curve = values.sel(layer="upper_reticular") if "layer" in values.dims else values
            np.testing.assert_array_equal(line.get_ydata(), curve)
            np.testing.assert_array_equal(line.get_xdata(), course.data["time"])
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["response 1", "tissue 2"]


@pytest.mark.parametrize("fold", [False, True])
def test_replicates_are_drawn_as_their_mean_in_a_band(fold):
    several = fake_replicates()
    (ax,) = plot.timeline(several, "fibroblasts", layers="lower_reticular", fold=fold).axes
    each = np.stack([tissue.data["fibroblasts"].values[:, 2] for tissue in several.tissues.values()])
    rest = several.tissues[4].data["fibroblasts"].attrs["baseline"][2] if fold else 1.0
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), each.mean(axis=0) / rest, rtol=1e-14)
    (band,) = ax.collections
    corners = band.get_paths()[0].vertices
    day = several.data["time"].values[20]
    reached = corners[corners[:, 0] == day, 1]
    # of three seeds the 5th percentile lies a tenth of the way from the lowest to the middle one
    low, middle, high = np.sort(each[:, 20]) / rest
    assert reached.min() == pytest.approx(low + 0.1 * (middle - low))
    assert reached.max() == pytest.approx(high - 0.1 * (high - middle))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["mean", "5 to 95 % of 3 seeds"]


def test_the_sheet_and_the_layers_show_a_tissue_and_its_replicates():
    for given in (fake_averages(), fake_replicates()):
        assert len(data_axes(plot.overview(given))) >= 6
        line = plot.layers(given, "fibroblasts").axes[0].get_lines()[0]
        np.testing.assert_array_equal(line.get_ydata(), given.variable("fibroblasts").values[:, 0])


def test_a_single_panel_can_be_drawn_where_the_caller_wants(response):
    ax = Figure().subplots()
    assert plot.timeline(response, "elastin", ax=ax) is ax.figure
    assert plot.scan(scanned((4, 1)), ax=Figure().subplots()).axes


def test_the_map_shows_every_point_at_its_place():
    data = scanned((4, 3))
    mesh = plot.scan(data).axes[0].collections[0]
    np.testing.assert_array_equal(np.asarray(mesh.get_array()), data["collagen_mass_change"].values.T)


def test_failed_points_are_marked():
    data = scanned((4, 3))
    data["collagen_mass_change"][1, 2] = np.nan
    ax = plot.scan(data).axes[0]
    cross = next(line for line in ax.get_lines() if line.get_label() == "failed")
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (DEPTHS[1], SPACINGS[2])


def test_the_drawn_needles_are_as_deep_as_they_reach():
    session = Session(depth_mm=1.5, density_per_cm2=800)
    ax = plot.injury(Skin(), session, seed=3).axes[0]
    deepest = max(path.get_paths()[0].vertices[:, 1].max() for path in ax.collections)
    assert 0.5 < deepest <= session.depth_mm


def test_a_model_of_another_kind_gets_a_sheet_too():
    time = np.linspace(0.0, 5.0, 20)
    course = Course(
        time, {"prey": 1 + time, "predator": 2 + time}, {"prey": np.array(1.0), "predator": np.array(2.0)}
    )
    assert len(plot.overview(Response(as_dataset(course), provenance={"model": "lotka"})).axes) == 2


@pytest.mark.parametrize(
    ("draw", "sentence"),
    [
        (lambda r: plot.timeline(r, "colagen_total"), "did you mean 'collagen_total'"),
        (lambda r: plot.timeline(r, "elastin", layers=["papilary"]), "did you mean 'papillary'"),
        (lambda r: plot.timeline([], "elastin"), "needs a Response"),
        (lambda r: plot.timeline([r, 3], "elastin"), "response 3 is not a Response, Tissue or Replicates"),
        (lambda r: plot.timeline("run.nc", "elastin"), "'run.nc' is not a Response, Tissue or Replicates"),
        (lambda r: plot.timeline([r, fake_averages()], "elastine"), "did you mean 'elastin'"),
        (lambda r: plot.timeline(r, ["elastin", "vegf"], ax=Figure().subplots()), "2 variables"),
        (lambda r: plot.timeline([r, r], "elastin", labels=["one"]), "1 labels for 2"),
        (lambda r: plot.layers(r, "erythema"), "no layers"),
        (lambda r: plot.scan(scanned((4, 3)), "collagen_mass_chang"), "did you mean 'collagen_mass_change'"),
        (lambda r: plot.scan(scanned((4, 3)).expand_dims(sessions=[1, 2])), "shows one or two"),
        (lambda r: plot.scan(scanned((4, 3))[["collagen_mass_change"]] * np.nan), "NaN at every point"),
    ],
)
def test_what_cannot_be_drawn_gets_one_sentence(response, draw, sentence):
    with pytest.raises(InputError, match=sentence):
        draw(response)
