import numpy as np
import pytest

from collagensim.errors import InputError
from collagensim.skin import Skin
from collagensim.treatment import Session, injure

CHEEK = Skin(site="cheek", age_years=45)


def drawn_means(injury, n_draws, *, periodic=False):
    """Mean killed share of each layer in drawn pieces of skin, (n_draws, 3), and of open surface, (n_draws,)."""
    layers, step = injury.layers, 20.0
    depth = (np.arange(60) + 0.5) * step / 1000
    within = [(depth >= layer.top_mm) & (depth < layer.bottom_mm) for layer in layers]
    killed, opened = [], []
    for seed in range(n_draws):
        field = injury.field((60, 60, 60), (step, 25.0, 25.0), seed=seed, periodic=periodic)
        killed.append([field.killed[planes].mean() for planes in within])
        opened.append(field.opened.mean())
    # what the same planes hold on average: the grid's own layer borders, no discretisation in depth
    expected = [injury.profile(depth[planes]).mean() for planes in within]
    return np.array(killed), np.array(opened), np.array(expected)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("device", ["pen", "stamp"])
def test_drawn_injury_has_the_mean_of_the_formula(device, periodic):
    # 400 per cm2 is a lattice of 500 um, which fits the grid of 1500 um three times
    injury = injure(CHEEK, Session(device=device, depth_mm=1.2, density_per_cm2=400))
    killed, opened, expected = drawn_means(injury, 60, periodic=periodic)
    error = killed.std(axis=0, ddof=1) / np.sqrt(len(killed))
    # 4 standard errors of 60 draws: by chance once in 16 000 for each of the 12 comparisons
    assert np.all(np.abs(killed.mean(axis=0) - expected) < 4 * error)
    opening = injury.epidermal_opening * injury.zone_fraction[0]
    assert abs(opened.mean() - opening) < 4 * opened.std(ddof=1) / np.sqrt(len(opened))


def test_layer_mean_of_the_grid_is_that_of_the_layer():
    injury = injure(CHEEK, Session(depth_mm=1.2, density_per_cm2=400))
    layer = injury.layers[1]
    depth = layer.top_mm + layer.thickness_mm * (np.arange(64) + 0.5) / 64
    assert injury.profile(depth).mean() == pytest.approx(injury.killed_mean[1], rel=1e-12)


def test_periodic_lattice_that_does_not_fit_the_grid_is_refused():
    injury = injure(CHEEK, Session(device="stamp", density_per_cm2=400))
    with pytest.raises(InputError, match=r"does not fit a lattice of 500\.0 um"):
        injury.field((5, 60, 50), 20.0, periodic=True)


def test_same_seed_gives_the_same_channels_and_another_seed_others():
    injury = injure(CHEEK, Session())
    one, same, other = (injury.field((20, 40, 40), 25.0, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.killed, same.killed)
    assert np.array_equal(one.channels_um, same.channels_um)
    assert not np.array_equal(one.killed, other.killed)


def test_plane_is_a_cut_through_the_tissue_with_the_same_mean():
    injury = injure(CHEEK, Session(depth_mm=3, density_per_cm2=400))
    shares = np.array(
        [injury.field((1, 400), 20.0, seed=seed, top_um=100).killed.mean() for seed in range(200)]
    )
    expected = injury.profile(0.11)[0]
    assert abs(shares.mean() - expected) < 4 * shares.std(ddof=1) / np.sqrt(len(shares))


def test_needle_passes_inside_what_it_kills_and_an_open_surface_lies_inside_its_track():
    field = injure(CHEEK, Session(depth_mm=1.5)).field((50, 60, 60), 20.0)
    assert field.killed.shape == (50, 60, 60)
    assert not np.any(field.struck & ~field.killed)
    assert not np.any(field.opened & ~field.killed[0])


def test_punch_fills_the_dermis_and_nothing_below():
    injury = injure(CHEEK, Session(device="punch"))
    field = injury.field((100, 5, 5), 20.0)
    depth = (np.arange(100) + 0.5) * 0.02
    assert np.array_equal(field.killed.all(axis=(1, 2)), depth <= injury.layers[-1].bottom_mm)
