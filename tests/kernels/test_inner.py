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


def test_a_function_called_with_other_constants_is_compiled_once_and_knows_each_of_them():
    @inner(optimised=False, **OPTIONS)
    def power(x, n):
        found = 1.0
        for _ in range(n):
            found *= x
        return found

    @entrance(Whole)
    def sums(x, n):
        return power(x, 2) + 100.0 * power(x, 3) + 10000.0 * power(x, n)

    assert sums(2.0, 4) == 4.0 + 800.0 + 160000.0
    assert len(power.overloads) == 1


def test_variables_keep_what_they_were_given_last_on_whichever_way_they_came():
    def steps(row, places, n):
        last, total, kind = 0, 0.0, row
        for i in range(n):
            if i % 3 == 1:
                last, total = i, total + kind[i] ** 2
            elif i % 3 == 2:
                kind = places
                total -= last
            else:
                row[0] = row[1] = total
                for k in range(i):
                    last = k if k < 4 else last
            if total < -20.0:
                break
        places[2] = last
        return total + (row[0], last)[1]

    for n in range(12):
        row, other = np.arange(12.0), np.arange(12.0)
        places, others = -np.arange(12.0), -np.arange(12.0)
        assert entrance(Compact)(steps)(row, places, n) == steps(other, others, n)
        assert row.tolist() == other.tolist()
        assert places.tolist() == others.tolist()


def test_a_function_that_counts_owners_of_memory_is_refused():
    @njit(pipeline_class=Whole, no_cfunc_wrapper=True)
    def owner(n):
        return np.zeros(n)

    with pytest.raises(TypeError, match=r"owner counts owners of memory: compile it with _nrt=False"):
        owner(3)


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
