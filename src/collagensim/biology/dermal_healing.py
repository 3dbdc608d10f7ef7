"""The whole response of skin to needling, put together."""

from __future__ import annotations

import functools

from collagensim.biology import (
    angiogenesis,
    cast,
    epidermis,
    inflammation,
    injury,
    inputs,
    pigment,
    proliferation,
    remodelling,
    signals,
)
from collagensim.model import Model

ROOMS = (inflammation, signals, proliferation, remodelling, angiogenesis, epidermis, pigment)


@functools.cache
def dermal_healing() -> Model:
    """Return the model of dermal healing: inflammation, proliferation and remodelling after a session.

    Cells in cell/mm^3, matrix in mg/mL, both per baseline volume; signals in units of their peak after the reference
    punch (4 mm, abdomen, age 30, papillary layer); oxygen in mmHg; time in days. Left out on purpose: lymphatics,
    pathogens, T cells, full mechanics; mast cells appear through dead tissue and redness only.

    Returns
    -------
    Model
        With an exact resting state, jumps that read ``injury.*`` inputs, and transport of soluble species.

    Examples
    --------
    >>> dermal_healing().name
    'dermal_healing'
    """
    return Model(
        "dermal_healing",
        species=list(cast.SPECIES),
        derived=[
            *cast.DERIVED,
            *proliferation.DERIVED,
            *remodelling.DERIVED,
            *epidermis.DERIVED,
            *pigment.DERIVED,
        ],
        reactions=[r for room in ROOMS for r in room.REACTIONS],
        basals=[b for room in ROOMS for b in room.BASALS],
        jumps=list(injury.JUMPS),
        transports=list(signals.TRANSPORTS),
        zone_radius=inputs.P.zone_radius,
        parameters=list(vars(inputs.P).values()),
        title="Healing of skin after needling",
        description="Inflammation, proliferation and remodelling in layers of dermis, with the epidermis above.",
    )
