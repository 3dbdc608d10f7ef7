"""Whether a block of tissue can hold the injuries that are to be made in it."""

from __future__ import annotations

import math

from collagensim.errors import InputError, plain
from collagensim.skin import Skin
from collagensim.solver.tissue.space import VOXEL_2D_UM, Block
from collagensim.treatment import Injury


def check_fit(block: Block, skin: Skin, injury: Injury) -> None:
    """Refuse an injury that the block would show wrongly.

    Parameters
    ----------
    block : Block
    skin : Skin
    injury : Injury

    Raises
    ------
    InputError
        When channels go deeper than a block that ends within the dermis, or are narrower than a voxel.
    """
    channels, dermis_mm = injury.channels, skin.dermal_thickness_mm
    if channels is None:
        return
    held, needed = block.size_um[0] / 1000.0, float(channels.reach_mm.max()) - block.top_um / 1000.0
    if held < min(needed, dermis_mm) - 1e-9:
        reach = f"{plain(round(needed, 4))} mm into it"
        advice = f"give depth_mm {plain(_up(needed))} or leave it out"
        if needed >= dermis_mm:
            reach = "through all of it"
        if _up(needed) > dermis_mm:
            advice = "leave depth_mm out"
        raise InputError(
            f"a block of {plain(round(held, 4))} mm of dermis is thinner than the needle, which reaches {reach}: "
            f"{advice}"
        )
    width = 2000.0 * channels.needle_radius_mm
    if block.voxel_um > width:
        raise InputError(
            f"voxels of {plain(block.voxel_um)} um are larger than the channel of a needle, {plain(width)} um wide: "
            f"give voxel_um {plain(min(math.floor(width), VOXEL_2D_UM))} or less"
        )


def _up(length_mm: float) -> float:
    """Round up to a hundredth of a millimetre, so that what is told fits."""
    return math.ceil(100.0 * length_mm) / 100.0
