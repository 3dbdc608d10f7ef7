"""What speaks against needling, and who says so."""

from __future__ import annotations

RISKS: dict[str, str] = {
    "active_infection": (
        "channels carry bacteria and viruses into the dermis and needles spread them over the area; "
        "wait until it has healed (Alster and Graham 2018)"
    ),
    "active_acne": (
        "needling spreads the bacteria of inflamed lesions and can leave new scars; "
        "treat the acne first (Alster and Graham 2018)"
    ),
    "eczema": (
        "the barrier is already open and inflamed, so irritation and sensitisation are more likely; "
        "wait for a quiet phase (Gowda 2021)"
    ),
    "keloid_tendency": (
        "wounding can start a scar that goes on growing; the model then only says what a raised "
        "scar tendency of an assumed size does (Alster and Graham 2018, Adler 2020)"
    ),
    "bleeding_disorder": (
        "bleeding lasts longer and bruises deeper; the model assumes normal clotting (Alster and Graham 2018)"
    ),
}


def risks() -> tuple[str, ...]:
    """Return the names of the risks that are known."""
    return tuple(RISKS)
