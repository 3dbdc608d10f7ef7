"""From LLVM's language to bytes, and from bytes to functions that run."""

import ctypes
import gc

import pytest

from collagensim.kernels.machine_code import assemble, load, processor, uncollected

TWO = """
define double @twice(double %x) {
  %y = fadd double %x, %x
  ret double %y
}

define double @exponential(double %x) {
  %y = call double @llvm.exp.f64(double %x)
  ret double %y
}

declare double @llvm.exp.f64(double)
"""


def functions(code):
    """The code in memory, and its functions for Python."""
    loaded = load(code, ("twice", "exponential"))
    kind = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)
    return loaded, {name: kind(address) for name, address in loaded.addresses.items()}


def test_bytes_become_functions_that_run():
    loaded, made = functions(assemble(TWO))
    assert made["twice"](1.5) == 3.0
    # The mathematical library lies outside of what was assembled.
    assert made["exponential"](0.0) == 1.0
    assert loaded.engine


def test_code_is_the_same_bytes_each_time_and_may_be_loaded_twice():
    code = assemble(TWO)
    assert assemble(TWO) == code
    (one, first), (other, second) = functions(code), functions(code)
    assert one.addresses["twice"] != other.addresses["twice"]
    assert first["twice"](2.0) == second["twice"](2.0)


def test_a_processor_is_told_from_another_by_its_abilities():
    assert processor() == processor()
    assert len(processor().split()) >= 3


def test_the_search_for_garbage_rests_inside_and_goes_on_afterwards_also_after_an_error():
    def fail():
        with uncollected():
            with uncollected():
                assert not gc.isenabled()
            assert not gc.isenabled()
            raise ZeroDivisionError

    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError):
        fail()
    assert gc.isenabled()
