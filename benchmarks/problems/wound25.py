"""Wound25: 25 states, 104 parameters, 6 sessions as jumps of the state, 365 days; synthetic, to compare solvers on.

It has the stiffness of a healing wound (TGF-beta halves in 10 minutes, elastin in years) but is not the biology of
this package: it stays as it is, so that figures can be compared from one machine and year to the next. Time in days,
states scaled to order 1. `EQUATIONS` and `JUMPS` are its only statement; from their text come the collagensim
`model`, NumPy's `right_side` and `jump`, and the `antimony` text for libRoadRunner.

Errors are ``|y - y_ref| / (|y_ref| + 1e-3 max_t |y_ref|)``, the largest over states and daily times, session days
left out (see `error`). Runs are compared at atol = 1e-3 rtol.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from collagensim.model import Model, Operand, Parameter, Reaction, Source, Species

SESSIONS = np.arange(6) * 28.0  # [day]
END = 365.0  # [day]
TIMES = np.arange(0.0, END + 1.0)  # [day]
ATOL_SHARE = 1e-3  # absolute tolerance = this * rtol

STATES = {
    "D": "debris", "DA": "damage signals", "HS": "heat-shock proteins", "N": "neutrophils",
    "M1": "inflammatory macrophages", "M2": "repair macrophages", "TN": "TNF-alpha", "I1": "IL-1", "I6": "IL-6",
    "I10": "IL-10", "TL": "latent TGF-beta", "TA": "active TGF-beta", "PD": "PDGF", "VE": "VEGF", "FG": "FGF",
    "F": "fibroblasts", "MF": "myofibroblasts", "K": "epidermal cover", "EC": "endothelium", "MM": "MMP-1",
    "TI": "TIMP-1", "C3": "collagen III", "C1": "collagen I", "CX": "cross-linked collagen", "EL": "elastin",
}  # fmt: skip
EQUATIONS = {
    "D": "-kDc*D*(N+M1+M2) - kD0*D",
    "DA": "pDA*D - dDA*DA",
    "HS": "bH + pH*D/(kH+D) - dH*HS",
    "N": "pN*I1**2/(kN**2+I1**2) - dN*N*(1+aN*I10)",
    "M1": "pM*DA/(kM+DA) + pMt*TN/(kMt+TN) - kpol*M1*(I10+TA)**2/(kp**2+(I10+TA)**2) - dM1*M1",
    "M2": "bM2 + kpol*M1*(I10+TA)**2/(kp**2+(I10+TA)**2) - dM2*M2",
    "TN": "bT + pT*M1*kT/(kT+I10) + pTD*DA + pTN*N - dT*TN",
    "I1": "bI1 + pI1*M1*kT/(kT+I10) + pI1K*(1-K) - dI1*I1",
    "I6": "bI6 + pI6*M1 + pI6*F*TN/(kI6+TN) - dI6*I6",
    "I10": "bI10 + pI10*M2*(1 + aI10*I6/(1+I6)) - dI10*I10",
    "TL": "bTL + pTLm*M2 + pTLf*MF - kact*TL*(1+aH*HS) - dTL*TL",
    "TA": "sTA*kact*TL*(1+aH*HS) - dTA*TA",
    "PD": "bPD + pPD*M2 + pPDd*D - dPD*PD",
    "VE": "(pVE*M2 + pVEh*HS)*kVE/(kVE+EC) - dVE*VE",
    "FG": "pFG*M2 + pFGk*K - dFG*FG",
    "F": "bF + pF*F*(PD/(kPF+PD) + FG/(kGF+FG))*(1-(F+MF)/Fm) - kFM*F*TA**2/(kFMt**2+TA**2)"
    " + kMFr*MF*kMFt/(kMFt+TA) - dF*F",
    "MF": "kFM*F*TA**2/(kFMt**2+TA**2) - kMFr*MF*kMFt/(kMFt+TA) - dMF*MF",
    "K": "pK*K*(1-K)*(1+aK*FG/(kK+FG))",
    "EC": "pE*EC*VE**2/(kE**2+VE**2)*(1-EC/Em) - dE*EC",
    "MM": "bMM + (pMM*F*I1/(kMI+I1) + pMMm*M1)*kMMT/(kMMT+TA) - kin*MM*TI - dMM*MM",
    "TI": "bTI + pTI*F*TA/(kTI+TA) + pTIm*MF - kin*MM*TI - dTI*TI",
    "C3": "pC3*(F+aMF*MF)*(bC + TA/(kC+TA)) - dC3*C3 - mC3*MM*C3",
    "C1": "pC1*(F+aMF*MF)*(bC + TA/(kC+TA))*(1+aHS*HS) - (kx+dC1)*C1 - mC1*MM*C1",
    "CX": "kx*C1 - dCX*CX - mCX*MM*CX",
    "EL": "pEL*F/(1+MM) - dEL*EL - mEL*MM*EL",
}
JUMPS = {"D": "D + 0.6", "DA": "DA + 1.0", "K": "0.7*K", "EC": "0.9*EC", "CX": "0.98*CX"}
START = {
    "HS": 0.03, "M2": 0.17, "TN": 0.01, "I1": 0.01, "I6": 0.02, "I10": 0.18, "TL": 0.12, "TA": 0.05, "PD": 0.09,
    "VE": 0.1, "FG": 0.2, "F": 0.8, "MF": 0.05, "K": 1.0, "EC": 1.0, "MM": 0.1, "TI": 0.1, "C3": 0.2, "C1": 0.1,
    "CX": 1.0, "EL": 1.0,
}  # fmt: skip


def _half_life(hours: float) -> float:
    """Return the decay rate [1/day] of a half-life."""
    return math.log(2.0) / (hours / 24.0)


_YEAR = 365.0 * 24.0  # [hour]
PARAMETERS = {
    "kD0": 0.02, "kDc": 0.35, "pDA": 20.0, "dDA": _half_life(2.0), "bH": 0.02, "pH": 1.2, "kH": 0.3,
    "dH": _half_life(24.0), "pN": 6.0, "kN": 0.5, "aN": 1.0, "dN": _half_life(12.0), "pM": 2.0, "kM": 0.6,
    "pMt": 0.6, "kMt": 0.8, "kpol": 0.9, "kp": 0.6, "dM1": _half_life(48.0), "bM2": 0.03, "dM2": _half_life(96.0),
    "pT": 25.0, "kT": 0.5, "pTD": 6.0, "pTN": 8.0, "bT": 0.3, "dT": _half_life(0.5), "pI1": 22.0, "pI1K": 6.0,
    "bI1": 0.3, "dI1": _half_life(0.5), "pI6": 12.0, "kI6": 0.4, "bI6": 0.2, "dI6": _half_life(1.0), "pI10": 9.0,
    "aI10": 1.5, "bI10": 0.4, "dI10": _half_life(1.5), "pTLm": 8.0, "pTLf": 4.0, "bTL": 0.6, "kact": 6.0, "aH": 1.0,
    "dTL": _half_life(1.5), "dTA": _half_life(10 / 60.0), "sTA": 6.0, "pPD": 14.0, "pPDd": 10.0, "bPD": 0.5,
    "dPD": _half_life(0.5), "pVE": 10.0, "pVEh": 4.0, "kVE": 1.0, "dVE": _half_life(0.8), "pFG": 6.0, "pFGk": 1.5,
    "dFG": _half_life(1.0), "pF": 0.25, "kPF": 0.5, "kGF": 0.4, "Fm": 3.0, "kFM": 0.25, "kFMt": 0.35, "kMFr": 0.05,
    "kMFt": 0.3, "dF": 0.03, "dMF": 0.12, "bF": 0.02, "pK": 0.45, "aK": 1.0, "kK": 0.3, "pE": 0.35, "kE": 0.3,
    "Em": 2.0, "dE": 0.02, "pMM": 0.9, "kMI": 0.5, "pMMm": 0.8, "kMMT": 0.4, "bMM": 0.15, "kin": 3.0,
    "dMM": _half_life(18.0), "pTI": 0.8, "kTI": 0.3, "pTIm": 0.3, "bTI": 0.12, "dTI": _half_life(20.0), "pC3": 0.02,
    "aMF": 2.5, "kC": 0.3, "dC3": 0.012, "mC3": 0.03, "pC1": 0.008, "bC": 0.05, "aHS": 0.8, "kx": 0.02, "dC1": 0.002,
    "mC1": 0.015, "dCX": _half_life(10 * _YEAR), "mCX": 0.0006, "pEL": 0.0004, "dEL": _half_life(8 * _YEAR),
    "mEL": 0.001,
}  # fmt: skip
# Everything else is a rate [1/day]; the model's own check of units holds each name to its place in the equations.
DIMENSIONLESS = frozenset(
    "kH kN aN kM kMt kp kT kI6 aI10 aH sTA kVE kPF kGF Fm kFMt kMFt aK kK kE Em kMI kMMT kTI aMF kC bC aHS".split()
)


_OPERATIONS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}


@functools.cache
def _tree(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def value(text: str, names: Mapping[str, Any]) -> Any:
    """Return the value of a formula: a number for numbers by name, a formula of the model for declared names.

    It reads names, numbers, + - * / ** and brackets; anything else is refused.
    """
    return _value(_tree(text), names)


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_value(node.left, names), _value(node.right, names))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_value(node.operand, names))
    raise ValueError(f"{ast.unparse(node)} is no sum, product, quotient, power, name or number")


def start() -> np.ndarray:
    """Return the state before the first session, (25,)."""
    return np.array([START.get(name, 0.0) for name in STATES])


def right_side(y: np.ndarray, parameters: Mapping[str, float] | None = None) -> np.ndarray:
    """Return dy/dt [1/day] of a state (25,) or of states (25, n), plainly and slowly."""
    names = {**PARAMETERS, **(parameters or {}), **dict(zip(STATES, y, strict=True))}
    return np.array([value(text, names) for text in EQUATIONS.values()])


def jump(y: np.ndarray) -> np.ndarray:
    """Return the state (25,) just after a session."""
    names = dict(zip(STATES, y, strict=True))
    return np.array([value(JUMPS[name], names) if name in JUMPS else names[name] for name in STATES])


def parameter_sets(n: int, *, spread: float = 0.15, seed: int = 7) -> np.ndarray:
    """Return (n, 104) log-normal parameter sets about the nominal one, which is the first."""
    nominal = np.array(list(PARAMETERS.values()))
    sets = nominal * np.exp(spread * np.random.default_rng(seed).standard_normal((n, nominal.size)))
    sets[0] = nominal
    return sets


def _declared() -> dict[str, Operand]:
    """Return the model's names: states and parameters under the lower case of their symbol."""
    source = Source("synthetic", kind="assumed")
    found: dict[str, Operand] = {
        name: Species(name.lower(), "1", "soluble", START.get(name, 0.0), 1.0, description=words)
        for name, words in STATES.items()
    }
    for name, number in PARAMETERS.items():
        unit = "1" if name in DIMENSIONLESS else "1/day"
        found[name] = Parameter(name.lower(), number, unit, number / 10, number * 10, source, "assumed", name)
    return found


@functools.cache
def model() -> Model:
    """Return the problem as a model of collagensim; its right sides are one reaction a state."""
    names = _declared()
    return Model(
        "wound25",
        species=[names[name] for name in STATES],
        reactions=[
            Reaction(f"{name.lower()}_changes", value(text, names), {names[name]: 1})
            for name, text in EQUATIONS.items()
        ],
        title="Wound25",
        description="Synthetic benchmark with the stiffness of a healing wound.",
    )


@functools.cache
def events() -> list[tuple[float, dict[str, Operand]]]:
    """Return the sessions as `collagensim.solve` takes them."""
    names = {species.name.upper(): species for species in model().species}
    changes = {name.lower(): value(text, names) for name, text in JUMPS.items()}
    return [(float(day), changes) for day in SESSIONS]


def antimony() -> str:
    """Return the problem in Antimony, for libRoadRunner.

    The first session is put into the initial state: an event ``at (time >= 0)`` is true from the outset and so never
    fires, and one made to fire then (``t0=false``) did not give the jump either.
    """
    first = dict(zip(STATES, jump(start()), strict=True))
    lines = ["model wound25"]
    lines += [f"  {name} = {number!r};" for name, number in PARAMETERS.items()]
    lines += [f"  {name} = {float(number)!r};" for name, number in first.items()]
    lines += [f"  {name}' = {text.replace('**', '^')};" for name, text in EQUATIONS.items()]
    changes = ", ".join(f"{name} = {text}" for name, text in JUMPS.items())
    lines += [f"  S{k}: at (time >= {day}): {changes};" for k, day in enumerate(SESSIONS[1:], 1)]
    return "\n".join([*lines, "end", ""])


def error(states: np.ndarray, reference: np.ndarray) -> float:
    """Return the error of daily states (366, 25) against a reference, as the head of this file defines it."""
    scale = np.abs(reference) + 1e-3 * np.abs(reference).max(axis=0)
    away = ~np.isin(TIMES, SESSIONS)
    return float((np.abs(states - reference) / scale)[away].max())
