"""What age has done to the tissue by the day of the first session, as factors on the tabulated figures.

Only the state of the tissue stands here. What an old cell does less well (slower synthesis, slower closure) belongs
to the biology, so that nothing is counted twice.
"""

from __future__ import annotations

import math


def remaining_after_loss(age_years: float, loss_per_decade: float, *, adult_age: float) -> float:
    """Return the share of the young adult's amount left when a fixed part of it is lost each decade [1].

    Branchet 1990 states losses as a part of the original value per decade, hence a line and not an exponential; ages
    below ``adult_age`` [year] have lost nothing.
    """
    return 1.0 - loss_per_decade * max(age_years - adult_age, 0.0) / 10.0


def relative_loss(
    age_years: float, loss_per_decade: float, *, adult_age: float, reference_age: float
) -> float:
    """Return the amount at ``age_years`` over that at ``reference_age``, the age of the people measured [1]."""
    return remaining_after_loss(age_years, loss_per_decade, adult_age=adult_age) / remaining_after_loss(
        reference_age, loss_per_decade, adult_age=adult_age
    )


def remaining_elastin(age_years: float, residence_years: float, *, reference_age: float) -> float:
    """Return the elastin left of the young adult's, lost first-order and not replaced [1] (Shapiro 1991)."""
    return math.exp(-max(age_years - reference_age, 0.0) / residence_years)


def papillary_capillary_fraction(age_years: float, at_70: float, at_80: float, at_90: float) -> float:
    """Return papillary capillaries over the young adult's, flat to 60 years, then a line per decade [1].

    Source: Vybohova 2012. Reticular capillaries do not change with age in that series. Beyond 90
    years the last value is kept.
    """
    ages, left = (60.0, 70.0, 80.0, 90.0), (1.0, at_70, at_80, at_90)
    if age_years <= ages[0]:
        return 1.0
    for i in range(3):
        if age_years <= ages[i + 1]:
            return left[i] + (left[i + 1] - left[i]) * (age_years - ages[i]) / 10.0
    return left[-1]
