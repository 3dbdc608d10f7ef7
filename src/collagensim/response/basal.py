"""The basal cells of an epidermis that a section meets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[Any]

NEVER = -1


def seats_met(sheet: Mapping[str, Array], y_um: float, reach_um: float) -> pd.DataFrame:
    """Seats of a sheet of cells within ``reach_um`` of an upright plane at ``y_um``, from left to right.

    Returns
    -------
    pandas.DataFrame
        ``x`` [um] of the cell, or of the seat where it is empty; ``taken``: whether there is a cell; ``leading``: it
        is on its way; ``struck``: the seat lost its cell to the latest session that struck any here.
    """
    near = np.abs(sheet["position"][:, 0] - y_um) <= reach_um
    taken, lost = sheet["identity"][near] != 0, sheet["lost"][near]
    latest = lost.max(initial=NEVER)
    found = pd.DataFrame({
        "x": sheet["position"][near, 1], "taken": taken, "leading": taken & (sheet["left"][near] > 0.0),
        "struck": (lost == latest) & (lost > NEVER),
    })  # fmt: skip
    return found.sort_values("x", ignore_index=True)


def opened(seats: pd.DataFrame, left: float, right: float, wide: float) -> tuple[float, float]:
    """Ends [um] of the stretch of struck seats around what is still open from ``left`` to ``right``."""
    intact = seats["x"].to_numpy()[~seats["struck"].to_numpy()]
    middle = 0.5 * (left + right)
    start = float(intact[intact < middle].max(initial=0.0))
    end = float(intact[intact > middle].min(initial=wide))
    return min(start, left), max(end, right)
