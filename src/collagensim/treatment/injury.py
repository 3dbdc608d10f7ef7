"""What a session does to a skin: one injury, read as means over layers or as a field on a grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collagensim.errors import InputError, in_range, instance
from collagensim.skin import LAYERS, Layer, Skin
from collagensim.treatment.devices import device_value
from collagensim.treatment.field import InjuryField, sample_field
from collagensim.treatment.geometry import Channels, reaches
from collagensim.treatment.session import Session

Array = NDArray[np.float64]

N_DEPTHS = 64


@dataclass(frozen=True, eq=False)
class Injury:
    """The wound that one session makes.

    Layer values are arrays (3,) over papillary, upper and lower reticular dermis and hold for the ZONE, the tissue
    within ``zone_radius_um`` of a channel that reaches the layer; a mean over the layer is the zone's value times
    ``zone_fraction``.

    Attributes
    ----------
    zone_fraction : numpy.ndarray
        Share of the layer's area inside the zone [1]; never rises with depth.
    kill_fraction, removed_fraction, vessel_fraction : numpy.ndarray
        Shares of the zone whose cells are killed, whose tissue is taken out, whose capillaries are struck [1].
    epidermal_opening : float
        Share of the zone's surface that stands open [1].
    opening_radius_um : float
        Radius of one opening after recoil [um].
    layout : str
        ``"random"``, ``"lattice"`` or ``"whole"``; several passes of a stamp, each at its own offset, count as random.
    channels_per_mm2 : numpy.ndarray
        Channels that reach each layer [per mm2].
    """

    zone_fraction: Array
    kill_fraction: Array
    removed_fraction: Array
    vessel_fraction: Array
    epidermal_opening: float
    opening_radius_um: float
    layout: str
    zone_radius_um: float
    channels_per_mm2: Array
    warnings: tuple[str, ...]
    layers: tuple[Layer, Layer, Layer]
    channels: Channels | None

    def inputs(self) -> dict[str, Array]:
        """Values that the model reads, by name; of shape (3,) over the layers or ()."""
        # What a session killed lies in the share that it killed; where it killed nothing, there is nothing to lie.
        dead_share = np.where(self.kill_fraction > 0.0, self.kill_fraction, 1.0)
        values: dict[str, object] = {
            "zone_fraction": self.zone_fraction,
            "kill_fraction": self.kill_fraction,
            "dead_share": dead_share,
            "removed_fraction": self.removed_fraction,
            "vessel_fraction": self.vessel_fraction,
            "epidermal_opening": self.epidermal_opening,
            "opening_radius": self.opening_radius_um,
        }
        return {f"injury.{name}": np.array(value, dtype=np.float64) for name, value in values.items()}

    @property
    def killed_mean(self) -> Array:
        """Share of each whole layer whose cells are killed [1], (3,)."""
        return self.zone_fraction * self.kill_fraction

    def profile(self, depth_mm: Array) -> Array:
        """Share of the area killed at each depth below the surface [mm], (n depths,)."""
        depth = np.atleast_1d(np.asarray(depth_mm, dtype=float))
        if self.channels is None:
            return np.where(depth <= self.layers[-1].bottom_mm, self.kill_fraction[0], 0.0)
        return self.channels.covered(self.channels.kill_radii(depth))

    def zone_hits(self, times: int) -> Array:
        """Share of each layer's area inside the zone of exactly ``times`` channels [1], (3,); random channels only."""
        if self.layout != "random" or self.channels is None:
            raise InputError(
                f"channels of layout {self.layout!r} do not hit at random: zone_hits needs 'random'"
            )
        hits = self.channels_per_mm2 * np.pi * (self.zone_radius_um / 1000.0) ** 2
        factorial = np.prod(np.arange(1, times + 1, dtype=float))
        share: Array = hits**times * np.exp(-hits) / factorial
        return share

    def field(
        self,
        shape: tuple[int, ...],
        voxel_um: float | tuple[float, ...],
        *,
        seed: int = 0,
        top_um: float = 0.0,
        periodic: bool = False,
    ) -> InjuryField:
        """Injury on a grid, from channels drawn with ``seed``.

        Parameters
        ----------
        shape : tuple of int
            (z, y, x) or (z, x); a plane is a cut through the tissue at y = 0.
        voxel_um : float or tuple of float
            Edge of a voxel [um], one or for each axis.
        seed : int
            The same seed gives the same channels.
        top_um : float
            Depth of the grid's top below the skin surface [um].
        periodic : bool
            Whether the grid repeats sideways (y, x); a lattice must fit it to 1 %.

        Returns
        -------
        InjuryField
            Its mean killed share over a layer has ``killed_mean`` as expectation.
        """
        return sample_field(
            self.channels,
            shape,
            voxel_um,
            zone_radius_mm=self.zone_radius_um / 1000.0,
            bottom_mm=self.layers[-1].bottom_mm,
            seed=seed,
            top_um=top_um,
            periodic=periodic,
        )


def injure(skin: Skin, session: Session, zone_radius_um: float = 250.0) -> Injury:
    """Return the injury that a session makes in a skin.

    Parameters
    ----------
    skin : Skin
    session : Session
    zone_radius_um : float
        Radius of the zone around a channel [um], 100 to 500; a choice of the model, assumed.

    Examples
    --------
    >>> injure(Skin(), Session(depth_mm=0, density_per_cm2=250)).killed_mean
    array([0., 0., 0.])
    """
    instance("skin", skin, Skin, "for example Skin(site='cheek')")
    instance("session", session, Session, "for example Session(depth_mm=1.5)")
    radius_um = in_range("zone_radius_um", zone_radius_um, 100, 500, "um")
    return _punch(skin, session, radius_um) if session.is_punch else _needle(skin, session, radius_um)


def make_channels(skin: Skin, session: Session) -> Channels:
    """Return the channels that a needled session makes in a skin."""
    mean = session.mean_reach_mm
    if session.endpoint == "pinpoint_bleeding":
        mean = max(mean, min(_bleeding_reach(skin), session.depth_mm))
    return Channels(
        density_per_mm2=session.channels_per_pass_cm2 / 100.0,
        n_passes=session.passes_used,
        layout="lattice" if session.is_lattice else "random",
        reach_mm=reaches(mean, device_value(session.device, "reach_spread"), session.depth_mm),
        needle_radius_mm=session.needle_radius_mm,
        tip_length_mm=device_value(session.device, "tip_length"),
        crush_mm=device_value(session.device, "crush_margin") / 1000.0,
        recoil=device_value(session.device, "recoil"),
    )


def _bleeding_reach(skin: Skin) -> float:
    papillary = skin.layers[0]
    return papillary.top_mm + device_value("all", "bleeding_reach") * papillary.thickness_mm


def _needle(skin: Skin, session: Session, zone_radius_um: float) -> Injury:
    channels, layers = make_channels(skin, session), skin.layers
    zone_mm = zone_radius_um / 1000.0
    if channels.needle_radius_mm + channels.crush_mm > zone_mm:
        raise InputError(
            f"zone_radius_um {zone_radius_um:g} um is smaller than the injured radius "
            f"{1000 * (channels.needle_radius_mm + channels.crush_mm):g} um: give a larger zone or a thinner needle"
        )
    # every channel that opens the epidermis counts for the papillary zone, deeper layers count those that enter them
    entries = np.array([0.0, layers[1].top_mm, layers[2].top_mm])
    zone = channels.covered(channels.disc_radii(entries, zone_mm))
    surface = np.zeros(1)
    hole = channels.hole_radii(surface)
    return Injury(
        zone_fraction=zone,
        kill_fraction=_share_of_zone(_layer_means(channels, channels.kill_radii, layers), zone),
        removed_fraction=np.zeros(len(LAYERS)),
        vessel_fraction=_share_of_zone(_layer_means(channels, channels.needle_radii, layers), zone),
        epidermal_opening=float(_share_of_zone(channels.covered(hole), zone[:1])[0]),
        opening_radius_um=_opening_radius(channels, hole),
        layout="lattice" if session.is_lattice and channels.n_passes == 1 else "random",
        zone_radius_um=zone_radius_um,
        channels_per_mm2=np.array(
            [channels.density_per_mm2 * channels.n_passes * np.mean(channels.reach_mm > z) for z in entries]
        ),
        warnings=_warnings(skin, session, channels, layers),
        layers=layers,
        channels=channels,
    )


def _layer_means(channels: Channels, radii_at: Callable[[Array], Array], layers: tuple[Layer, ...]) -> Array:
    """Return the covered share averaged over each layer's depth, (n layers,)."""
    steps = (np.arange(N_DEPTHS) + 0.5) / N_DEPTHS
    depths = np.concatenate([layer.top_mm + layer.thickness_mm * steps for layer in layers])
    means: Array = channels.covered(radii_at(depths)).reshape(len(layers), N_DEPTHS).mean(axis=1)
    return means


def _share_of_zone(mean: Array, zone: Array) -> Array:
    """Return layer means as shares of the zone; rounding may not lift a share above 1."""
    share = np.divide(mean, zone, out=np.zeros_like(mean), where=zone > 0.0)
    return np.minimum(share, 1.0)


def _opening_radius(channels: Channels, hole_mm: Array) -> float:
    """Return the root-mean-square radius of the open holes [um]; that of the needle's shaft when there are none."""
    mean_square = float(np.mean(hole_mm**2))
    if mean_square == 0.0:
        return 1000.0 * channels.recoil * channels.needle_radius_mm
    return float(1000.0 * np.sqrt(mean_square))


def _warnings(skin: Skin, session: Session, channels: Channels, layers: tuple[Layer, ...]) -> tuple[str, ...]:
    if channels.total_per_mm2 == 0.0:
        return ()
    found = []
    top, bottom = layers[0].top_mm, layers[-1].bottom_mm
    below = float(np.mean(channels.reach_mm > bottom))
    if below > 0.05:
        found.append(
            f"{100 * below:.0f} % of the channels go through the {skin.dermal_thickness_mm:.2f} mm of dermis of the "
            f"{skin.site} into the fat below, which is not modelled"
        )
    if channels.reach_mm[-1] <= top:
        found.append(
            f"the needles stay in the epidermis of {skin.epidermal_thickness_um:.0f} um and open no dermis"
        )
    if session.endpoint == "pinpoint_bleeding" and session.depth_mm < _bleeding_reach(skin):
        found.append(
            f"needles of {session.depth_mm:g} mm are too short to draw blood from the {skin.site}, "
            f"whose papillary plexus lies {_bleeding_reach(skin):.2f} mm deep"
        )
    return tuple(found)


def _punch(skin: Skin, session: Session, zone_radius_um: float) -> Injury:
    removed = device_value("punch", "removed_fraction")
    return Injury(
        zone_fraction=np.ones(len(LAYERS)),
        kill_fraction=np.full(len(LAYERS), removed),
        removed_fraction=np.full(len(LAYERS), removed),
        vessel_fraction=np.full(len(LAYERS), removed),
        epidermal_opening=1.0,
        opening_radius_um=500.0 * session.punch_diameter_mm,
        layout="whole",
        zone_radius_um=zone_radius_um,
        channels_per_mm2=np.zeros(len(LAYERS)),
        warnings=(),
        layers=skin.layers,
        channels=None,
    )
