"""Named rate laws: the vocabulary in which reactions are written."""

from __future__ import annotations

from collagensim.model.expression import Expression, Operandlike, as_node, law, power


def hill(x: Operandlike, half: Operandlike, n: float) -> Expression:
    """Return x^n / (half^n + x^n): 0 without ``x``, 1/2 at ``half``, towards 1 above (dimensionless)."""
    return law("hill", x, half, n)


def saturation(x: Operandlike, half: Operandlike) -> Expression:
    """Return x / (half + x), the Michaelis-Menten form of :func:`hill`."""
    return law("hill", x, half, 1)


def inhibition(x: Operandlike, half: Operandlike, n: float = 1) -> Expression:
    """Return half^n / (half^n + x^n): 1 without ``x``, 1/2 at ``half``, towards 0 above (dimensionless)."""
    return law("inhibition", x, half, n)


def smooth_positive(x: Operandlike, width: Operandlike) -> Expression:
    """Return (x + sqrt(x^2 + width^2)) / 2: a smooth stand-in for max(x, 0), ``width / 2`` at x = 0."""
    node = as_node(x)
    return (node + power(node * node + power(width, 2), 0.5)) * 0.5
