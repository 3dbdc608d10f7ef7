"""Functions that compiled code calls: what is made of them, and what is left as it was while they are compiled."""

import gc

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from collagensim.kernels import draws
from collagensim.kernels.inner import Compact, Whole, inner, open_inner

OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False}


def entrance(pipeline, **options):
    return njit(pipeline_class=pipeline, no_cfunc_wrapper=True, **OPTIONS, **options)


@inner(optimised=True, **OPTIONS)
def tripled(x):
    return 3 * x


@inner(optimised=False, **OPTIONS)
def halved(x):
    return tripled(x) / 2


@entrance(Whole)
def whole(x):
    return halved(x) + tripled(x)


@entrance(Compact)
def compact(x):
    return halved(x) + tripled(x)


@open_inner(**OPTIONS)
def opened(x):
    return 0.25 * x


@entrance(Whole)
def calls_opened(x):
    return opened(x)


def library(function):
    (compiled,) = function.overloads.values()
    return compiled.library


@pytest.mark.parametrize("function", [whole, compact])
def test_only_what_python_enters_becomes_machine_code(function):
    assert function(4) == 18.0
    assert library(function)._compiled
    assert not library(halved)._compiled
    assert not library(tripled)._compiled


def test_a_function_for_both_is_compiled_for_callers_alone_until_python_calls_it():
    assert calls_opened(6.0) == 1.5
    assert opened._entrance is None
    assert not library(opened)._compiled
    assert opened(6.0) == 1.5
    # Draws are such functions, and agree in every bit.
    assert (
        draws.exponential(1, 2, 3, np.uint64(4)) == njit(lambda: draws.exponential(1, 2, 3, np.uint64(4)))()
    )


def test_an_operator_means_what_its_operands_make_of_it_however_often_it_is_met():
    @entrance(Whole)
    def mixed(whole_number, single, pair, row):
        row[0] = whole_number // 2 + pair[0]
        row[1] = single / np.float32(3.0)
        row[2] = pair[1] / 3.0
        row[3] = whole_number / 2 + pair[1]

    row = np.empty(4)
    mixed(7, np.float32(1.0), (2, 0.5), row)
    assert row.tolist() == [5.0, float(np.float32(1.0) / np.float32(3.0)), 0.5 / 3.0, 4.0]


@pytest.mark.parametrize("collecting", [True, False])
def test_the_search_for_garbage_is_afterwards_as_it_was_even_where_compiling_fails(collecting):
    @entrance(Whole)
    def wrong(x):
        return x.nothing_of_that_name

    @entrance(Whole)
    def right(x):
        return x + gc_free

    gc_free, before = 1, gc.isenabled()
    try:
        (gc.enable if collecting else gc.disable)()
        with pytest.raises(TypingError):
            wrong(1)
        assert right(1) == 2
        assert gc.isenabled() is collecting
    finally:
        (gc.enable if before else gc.disable)()
