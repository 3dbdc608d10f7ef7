"""Numbers only: compiled functions of arrays that import nothing of ours."""

from __future__ import annotations

from pathlib import Path

BEGIN = "# --- model: begin"
END = "# --- model: end"

__all__ = ["BEGIN", "END", "assemble", "stepper_source"]


def stepper_source() -> str:
    """The text of ``stepper.py``, as the hash of a generated module should cover it."""
    return Path(__file__).with_name("stepper.py").read_text(encoding="utf-8")


def assemble(model_source: str) -> str:
    """The text of a stand-alone module: the stepper with its example model replaced by ``model_source``.

    One module holds both because numba's cache on disk notices a change of a file only for the kernels in it.

    Parameters
    ----------
    model_source : str
        Defines ``block_rates(y, o, p, u, out)`` and ``block_jacobian(y, o, p, u, values, v)``, each decorated with
        ``@kernel``, and whatever they call; may use ``np`` and ``kernel``, which the text before it provides.
    """
    head, rest = stepper_source().split(BEGIN, 1)
    _, tail = rest.split(END, 1)
    return f"{head}{BEGIN}\n{model_source.strip()}\n{END}{tail}"
