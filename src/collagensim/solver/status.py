"""Every way a solve can end."""

from __future__ import annotations

import enum


class Status(enum.Enum):
    """How a solve ended; ``advice`` says what to try next."""

    COMPLETED = "completed"
    NOT_FINITE = "a rate of change is not a finite number"
    STEP_TOO_SMALL = "the step size fell below rounding"
    SINGULAR = "the linear system of a step cannot be solved"
    STEP_LIMIT = "the number of steps allowed was used up"
    DEADLINE = "the time allowed was used up"
    BELOW_ZERO = "an amount fell below zero"
    INTERRUPTED = "the solve was interrupted"

    @property
    def advice(self) -> str:
        """What to try next."""
        return _ADVICE[self]


_ADVICE = {
    Status.COMPLETED: "nothing to do",
    Status.NOT_FINITE: "look at the rate laws of the named variable: a division by zero or a growth without bound",
    Status.STEP_TOO_SMALL: "look for a state that runs away in finite time or is drained below zero, or loosen rtol",
    Status.SINGULAR: "look for a state that nothing limits; a smaller rtol also shortens the step",
    Status.STEP_LIMIT: "loosen rtol or shorten the span",
    Status.DEADLINE: "raise deadline_s, loosen rtol or shorten the span",
    Status.BELOW_ZERO: "look at the rate laws of the named variable: what is not there is taken away",
    Status.INTERRUPTED: "simulate again; what was finished is kept",
}
