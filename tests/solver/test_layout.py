"""States block after block or alternating: the same states, found again wherever they lie."""

import numpy as np
import pytest

from collagensim.kernels.numbers import WIDTH
from collagensim.solver.layout import Layout

LAYOUTS = [Layout(n, m, a) for a in (False, True) for n, m in ((1, 1), (2, 3), (3, 7), (6, 5), (8, 4))]
each_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=str)


def states(layout, members=2):
    """Different numbers (members, n_blocks, m)."""
    shape = (members, layout.n_blocks, layout.m)
    return 1.0 + np.arange(np.prod(shape), dtype=float).reshape(shape)


@each_layout
def test_what_is_laid_out_is_found_again(layout):
    given = states(layout)
    flat = layout.place(given)
    assert flat.shape == (2, layout.n)
    np.testing.assert_array_equal(layout.blocks(flat), given)
    np.testing.assert_array_equal(layout.blocks(flat[0]), given[0])


@each_layout
def test_blocks_are_a_view(layout):
    flat = np.zeros((2, layout.n))
    layout.blocks(flat)[:] = states(layout)
    np.testing.assert_array_equal(layout.blocks(flat), states(layout))
    assert np.count_nonzero(flat) == 2 * layout.n_blocks * layout.m


@each_layout
def test_an_index_leads_to_its_state_and_a_place_to_its_name(layout):
    given = states(layout, 1)
    places = layout.index(np.arange(layout.n_blocks * layout.m))
    np.testing.assert_array_equal(layout.place(given)[0, places], given.ravel())
    names = [layout.named(int(place)) for place in places]
    assert names == [(b, i) for b in range(layout.n_blocks) for i in range(layout.m)]


@each_layout
def test_padding_repeats_a_sound_block_or_is_what_is_asked_for(layout):
    given = states(layout, 1)
    padding = np.setdiff1d(np.arange(layout.n), layout.index(np.arange(layout.n_blocks * layout.m)))
    assert padding.size == layout.m * (layout.width - layout.n_blocks)
    for place in padding:
        assert layout.place(given)[0, place] == given[0, 0, layout.named(int(place))[1]]
    assert np.all(layout.place(given, np.inf)[0, padding] == np.inf)


@each_layout
def test_terms_of_all_blocks_lie_as_the_machine_code_writes_them(layout):
    # Machine code that serves eight blocks at once writes term k of all of them, then term k + 1.
    local = np.arange(layout.m)
    terms = layout.states_of_blocks(local).reshape(-1, WIDTH) if layout.alternating else None
    if terms is None:
        assert layout.states_of_blocks(local).tolist() == list(range(layout.n))
    else:
        assert [layout.named(int(place)) for place in terms[0]] == [(b, 0) for b in range(WIDTH)]
        assert sorted(terms.ravel().tolist()) == list(range(layout.n))


def test_what_all_blocks_read_is_there_for_each_lane():
    given = np.array([[1.0, 2.0]])
    assert Layout(6, 3, alternating=True).everywhere(given).tolist() == [[1.0] * WIDTH + [2.0] * WIDTH]
    assert Layout(6, 3, alternating=False).everywhere(given) is given
