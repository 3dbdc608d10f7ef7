import numpy as np
import pytest
from scipy.linalg import solve_banded
from scipy.special import k0

from collagensim.errors import InputError
from collagensim.solver import exchange

DIFFUSION = np.array([0.5, 2.0, 8.0])
DECAY = np.array([3.0, 30.0, 120.0])
THICKNESS = np.array([0.2, 0.6, 0.9])


def share_cleared(w, decay, exchange_rate):
    """S of the two compartments that exchange E: the inverse of the closed form."""
    return w + (1 - w) / (1 + exchange_rate / (decay * w * (1 - w)))


def test_k0_is_accurate_to_its_stated_error():
    z = np.geomspace(1e-8, 40, 4001)
    assert np.max(np.abs(exchange.bessel_k0(z) / k0(z) - 1)) < 2e-7


@pytest.mark.parametrize("w", [0.0, 1e-6, 0.2, 0.7, 0.99, 0.9999])
def test_the_quadrature_has_converged(w):
    a = np.geomspace(0.02, 50, 40)
    coarse, fine = (exchange._kept_random(np.full(40, w), a, n) for n in (32, 200))
    assert np.max(np.abs(coarse - fine)) < 1e-6


def periodic_share(w, radius, reach, rng, size=4.0, n=256):
    """S by a spectral solve of D lap c - k c + k 1_zone = 0 around random discs in a periodic square."""
    n_discs = rng.poisson(-np.log1p(-w) / (np.pi * radius**2) * size**2)
    x = (np.arange(n) + 0.5) * size / n
    zone = np.zeros((n, n), dtype=bool)
    for centre in rng.uniform(0, size, (n_discs, 2)):
        dx, dy = (np.abs(x - c) for c in centre)
        zone |= np.minimum(dx, size - dx)[:, None] ** 2 + np.minimum(dy, size - dy)[None] ** 2 < radius**2
    wave = 2 * np.pi * np.fft.fftfreq(n, size / n)
    # The eigenvalues of minus the Laplacian on this grid.
    laplace = wave[:, None] ** 2 + wave[None] ** 2
    c = np.fft.ifft2(np.fft.fft2(zone.astype(float)) / (1 + reach**2 * laplace)).real
    return np.sum(c * zone), np.sum(zone)


@pytest.mark.parametrize(("w", "reach"), [(0.2, 0.15), (0.4, 0.3), (0.7, 0.15)])
def test_random_zones_keep_the_share_that_drawn_discs_keep(w, reach):
    rng = np.random.default_rng(20)
    kept, made = np.transpose([periodic_share(w, 0.25, reach, rng) for _ in range(40)])
    found = kept.sum() / made.sum()
    # Two standard errors of the ratio over 40 draws, more than a pixel's width (0.016 of 0.25 mm, partly cancelling).
    spread = np.std(kept - found * made) / made.mean() / np.sqrt(kept.size)
    # The drawn cover is not exactly w, which moves S by as much as the cover deviates: it is part of that spread.
    decay = 10.0
    expected = share_cleared(
        w, decay, float(exchange.horizontal(w, 250.0, decay * reach**2, decay, "random"))
    )
    assert spread < 0.01
    assert abs(found - expected) < 3 * spread + 0.003


@pytest.mark.parametrize(("w", "reach"), [(0.1, 0.1), (0.3, 0.3), (0.8, 1.0), (0.3, 30.0)])
def test_a_unit_cell_keeps_the_share_of_a_radial_solve(w, reach):
    radius = 0.25
    # Finite volumes on rings, the zone's edge on a face.
    n = 2000
    n_zone = max(20, round(n * np.sqrt(w)))
    edges = np.concatenate(
        [np.linspace(0, radius, n_zone + 1), np.linspace(radius, radius / np.sqrt(w), n - n_zone + 1)[1:]]
    )
    area = np.diff(edges**2) / 2
    centre = (edges[1:] + edges[:-1]) / 2
    flow = reach**2 * edges[1:-1] / np.diff(centre)
    bands = np.zeros((3, n))
    bands[1] = area + np.append(flow, 0) + np.append(0, flow)
    bands[0, 1:], bands[2, :-1] = -flow, -flow
    zone = np.arange(n) < n_zone
    c = solve_banded((1, 1), bands, area * zone)
    kept = np.sum((c * area)[zone]) / np.sum(area[zone])
    decay = 10.0
    rate = float(exchange.horizontal(w, 1e3 * radius, decay * reach**2, decay, "lattice"))
    # S - w is what matters where diffusion is fast; second order in the ring's width, (1 / 1000)^2.
    expected = share_cleared(w, decay, rate)
    assert abs((kept - w) / (expected - w) - 1) < 1e-3


@pytest.mark.parametrize("layout", ["random", "lattice"])
def test_no_exchange_where_a_compartment_is_missing(layout):
    assert np.all(exchange.horizontal([0.0, 1.0], 250.0, 2.0, 10.0, layout) == 0.0)
    limits = exchange.escape([0.0, 1e-7, 1.0], 250.0, 2.0, 10.0, layout)
    assert np.all(np.isfinite(limits))
    # The rate as seen from a vanishing zone is that of one lone disc.
    assert abs(limits[0] / limits[1] - 1) < 1e-3


def test_a_lone_disc_is_the_same_in_both_layouts():
    random, lattice = (exchange.escape(0.0, 250.0, DIFFUSION, DECAY, name) for name in ("random", "lattice"))
    # S = 1 - 2 I1(a) K1(a) for one disc; the quadrature and K0 leave 1e-6 of q, ten times that of 1/q - 1.
    np.testing.assert_allclose(random, lattice, rtol=1e-4)


def test_a_whole_wound_exchanges_with_nothing():
    assert np.all(exchange.horizontal([1.0, 0.4], 2000.0, 2.0, 10.0, "whole") == 0.0)


def test_what_does_not_diffuse_is_not_exchanged():
    assert exchange.horizontal(0.3, 250.0, 0.0, 10.0, "random") == 0.0
    assert exchange.vertical(0.0, 10.0, 0.3, 0.5) == 0.0


def test_exchange_grows_with_diffusion():
    rates = exchange.horizontal(0.3, 250.0, np.geomspace(0.01, 100, 30), 10.0, "random")
    assert np.all(np.diff(rates) > 0)


def test_thin_layers_exchange_as_between_their_middles():
    # h << lambda: linear profiles of each layer's own loss give D / (h1/3 + h2/3).
    assert abs(exchange.vertical(2.0, 1e-6, 0.3, 0.6) / (2.0 / 0.3) - 1) < 1e-6


def test_thick_layers_exchange_through_their_boundary_layers():
    reach = np.sqrt(2.0 / 200.0)
    # coth is 1 to 1e-8 here: L = lambda - lambda^2 / h.
    expected = 2.0 / (2 * reach - reach**2 / 1.0 - reach**2 / 2.0)
    assert abs(exchange.vertical(2.0, 200.0, 1.0, 2.0) / expected - 1) < 1e-7


def test_vertical_flux_is_that_of_a_fine_solve():
    # Source 1 in the upper layer, none below, decay k in both; compare the two means with a grid of 3000 cells.
    spread, decay, h = 2.0, 12.0, (0.3, 0.9)
    n = 3000
    dz = sum(h) / n
    upper = (np.arange(n) + 0.5) * dz < h[0]
    bands = np.zeros((3, n))
    flow = spread / dz**2
    bands[1] = decay + 2 * flow
    bands[1, [0, -1]] -= flow
    bands[0, 1:] = bands[2, :-1] = -flow
    c = solve_banded((1, 1), bands, upper.astype(float))
    g = exchange.vertical(spread, decay, *h)
    a, b = g / h[0], g / h[1]
    means = np.linalg.solve([[decay + a, -a], [-b, decay + b]], [1.0, 0.0])
    # The conductance is exact for uniform sources; the grid errs by its square, (1 / 3000)^2.
    np.testing.assert_allclose([c[upper].mean(), c[~upper].mean()], means, rtol=1e-5)


SHARES = [
    (0.4, 0.3, 0.1),
    (0.4, 0.4, 0.0),
    (1.0, 1.0, 0.3),
    (0.0, 0.0, 0.0),
    (0.1, 0.5, 0.2),
    (1.0, 0.0, 0.0),
]


def links(w, layouts=("random",) * 3):
    return exchange.links(w, THICKNESS, DIFFUSION, DECAY, [0, 2, 3], layouts=layouts, radius_um=250.0, m=5)


@pytest.mark.parametrize("w", SHARES)
def test_amount_is_conserved(w):
    to, source, rate = links(w)
    share = np.array(w)
    volume = np.repeat(np.stack([share, 1 - share], axis=1) * THICKNESS[:, None], 5)
    y = np.random.default_rng(1).random(30)
    gain = volume[to] * rate * (y[source] - y[to])
    assert abs(gain.sum()) < 1e-13 * np.abs(gain).sum() + 1e-300


@pytest.mark.parametrize("w", SHARES)
def test_rates_are_never_negative_and_the_pattern_never_changes(w):
    to, source, rate = links(w)
    assert np.all(rate >= 0)
    assert np.all(np.isfinite(rate))
    first = links(SHARES[0])
    assert np.array_equal(to, first[0])
    assert np.array_equal(source, first[1])


@pytest.mark.parametrize("w", SHARES)
def test_every_block_faces_its_neighbour_layers_completely(w):
    contact = exchange.contact(np.array(w))
    # Pairs zz, zb, bz, bb: an upper zone sees zz + zb, a lower zone zz + bz.
    np.testing.assert_allclose(contact[:, 0, 0] + contact[:, 1, 0], 1)
    np.testing.assert_allclose(contact[:, 2, 0] + contact[:, 3, 0], 1)
    np.testing.assert_allclose(contact[:, 0, 1] + contact[:, 2, 1], 1)
    np.testing.assert_allclose(contact[:, 1, 1] + contact[:, 3, 1], 1)


def test_nested_zones_meet_by_the_areas_of_their_nesting():
    w = np.array([0.4, 0.3, 0.1])
    contact = exchange.contact(w)
    np.testing.assert_allclose(w[:-1] * contact[:, 0, 0], w[1:])
    np.testing.assert_allclose(w[:-1] * contact[:, 1, 0], w[:-1] - w[1:])
    np.testing.assert_allclose(contact[:, 2], 0, atol=1e-15)
    np.testing.assert_allclose((1 - w[:-1]) * contact[:, 3, 0], 1 - w[:-1])


def test_each_layer_keeps_its_own_layout():
    mixed = links((0.4, 0.3, 0.1), ("random", "lattice", "random"))[2]
    random, lattice = (links((0.4, 0.3, 0.1), (name,) * 3)[2] for name in ("random", "lattice"))
    beside = mixed[:18].reshape(3, 6)
    assert np.array_equal(beside[0], random[:6])
    assert np.array_equal(beside[1], lattice[6:12])
    assert np.array_equal(mixed[18:], random[18:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.2, 250.0, 2.0, 10.0, "random"), "outside 0 to 1"),
        ((0.2, 250.0, 2.0, 0.0, "random"), "positive decay"),
        ((0.2, 250.0, 2.0, 10.0, "ranodm"), "did you mean 'random'"),
    ],
)
def test_a_wrong_argument_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        exchange.horizontal(*arguments)
