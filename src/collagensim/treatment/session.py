"""One needling session, as a trial states it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from collagensim.errors import InputError, in_range, nearest, one_of, plain, whole
from collagensim.treatment.aftercare import Aftercare, courses
from collagensim.treatment.devices import device_value, devices

ENDPOINTS = ("erythema", "pinpoint_bleeding")
_NEEDLED_ONLY = (
    "density_per_cm2",
    "passes",
    "needle_count",
    "needle_diameter_mm",
    "area_cm2",
    "endpoint",
    "depth_reached_mm",
)
_NUMBERS = {
    "density_per_cm2": (0.0, 10000.0, "per cm2"),
    "passes": (0.0, 200.0, ""),
    "needle_diameter_mm": (0.03, 0.4, "mm"),
    "area_cm2": (0.01, 20000.0, "cm2"),
    "depth_reached_mm": (0.0, 3.5, "mm"),
    "diameter_mm": (0.5, 10.0, "mm"),
}


@dataclass(frozen=True, kw_only=True)
class Session:
    """One session of needling.

    Parameters
    ----------
    device : str
        One of ``devices()``; ``"punch"`` is the reference full-thickness wound.
    depth_mm : float
        Nominal needle length or depth setting [mm], 0 to 3.5, as trials state it.
    density_per_cm2, passes : float, optional
        Channels per cm2 of skin, or how often the device goes over the same place; not both. With neither, the
        device's usual passes (those of ``endpoint`` when it is given) are taken and listed in ``assumptions``.
    needle_count : int, optional
        Needles on the device.
    needle_diameter_mm : float, optional
        Diameter of a needle above its tip [mm].
    area_cm2 : float, optional
        Area that the needles of a stamp or an array stand on [cm2]; for other devices the treated area, a record only.
    endpoint : str, optional
        ``"erythema"`` or ``"pinpoint_bleeding"``, the sign until which the skin was needled. Bleeding raises the mean
        reach to the plexus at the base of the papillary dermis, as far as the needle is long enough (assumed).
    depth_reached_mm : float, optional
        Mean depth reached below the surface [mm] where it was measured; overrides the sourced penetration.
    diameter_mm : float, optional
        Of a punch [mm].
    aftercare : sequence of Aftercare
        Courses with days counted from this session.

    Examples
    --------
    >>> Session(device="pen", depth_mm=1.5, density_per_cm2=250).mean_reach_mm
    1.2
    """

    device: str = "pen"
    depth_mm: float = 1.5
    density_per_cm2: float | None = None
    passes: float | None = None
    needle_count: int | None = None
    needle_diameter_mm: float | None = None
    area_cm2: float | None = None
    endpoint: str | None = None
    depth_reached_mm: float | None = None
    diameter_mm: float | None = None
    aftercare: tuple[Aftercare, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "device", one_of("device", self.device, devices()))
        object.__setattr__(self, "depth_mm", in_range("depth_mm", self.depth_mm, 0, 3.5, "mm"))
        for name, (low, high, unit) in _NUMBERS.items():
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, in_range(name, given, low, high, unit))
        if self.needle_count is not None:
            object.__setattr__(self, "needle_count", whole("needle_count", self.needle_count, 1, 6000))
        if self.endpoint is not None:
            object.__setattr__(self, "endpoint", one_of("endpoint", self.endpoint, ENDPOINTS))
        object.__setattr__(self, "aftercare", courses(self.aftercare))
        self._check_together()

    def _check_together(self) -> None:
        if self.density_per_cm2 is not None and self.passes is not None:
            raise InputError(
                f"both density_per_cm2 {self.density_per_cm2:g} and passes {self.passes:g} were given: give one of them"
            )
        if self.device == "punch":
            given = [name for name in _NEEDLED_ONLY if getattr(self, name) is not None]
            if given:
                raise InputError(
                    f"a punch has no needles, so {given[0]} has no meaning: leave it out (diameter_mm sets its size)"
                )
        elif self.diameter_mm is not None:
            raise InputError(
                f"diameter_mm {self.diameter_mm:g} belongs to device='punch'; "
                f"for a {self.device} give needle_diameter_mm"
            )
        if self.depth_reached_mm is not None and self.depth_reached_mm > self.depth_mm:
            raise InputError(
                f"depth_reached_mm {self.depth_reached_mm:g} mm is more than depth_mm {self.depth_mm:g} mm: "
                "a needle reaches at most its length"
            )

    @property
    def is_punch(self) -> bool:
        """Whether tissue is removed through the whole dermis rather than needled."""
        return self.device == "punch"

    @property
    def is_lattice(self) -> bool:
        """Whether the needles stand on a square lattice (stamp, array) rather than fall at random."""
        return self.device in ("stamp", "array")

    @property
    def punch_diameter_mm(self) -> float:
        """Diameter of the punch [mm]; 0 for needles."""
        if not self.is_punch:
            return 0.0
        return device_value("punch", "diameter") if self.diameter_mm is None else self.diameter_mm

    @property
    def passes_used(self) -> float:
        """How often the device goes over the same place: given, or usual for the device and endpoint."""
        if self.passes is not None:
            return self.passes
        if self.density_per_cm2 is not None or self.is_punch:
            return 1.0
        sign = {"erythema": "erythema_passes", "pinpoint_bleeding": "bleeding_passes"}
        return device_value(self.device, sign.get(self.endpoint or "", "usual_passes"))

    @property
    def channels_per_pass_cm2(self) -> float:
        """Channels that one pass makes in a cm2 of skin [per cm2]."""
        if self.is_punch:
            return 0.0
        if self.density_per_cm2 is not None:
            return self.density_per_cm2
        needles = self.needle_count or device_value(self.device, "needle_count")
        if self.is_lattice:
            return needles / (self.area_cm2 or device_value(self.device, "head_area"))
        if self.device == "roller":
            drum = device_value("roller", "drum_diameter") * device_value("roller", "drum_width")
            return needles / (math.pi * drum / 100.0)
        swept_cm2 = device_value("pen", "glide_speed") * device_value("pen", "tip_width") / 100.0
        return needles * device_value("pen", "frequency") / swept_cm2

    @property
    def channels_per_cm2(self) -> float:
        """Channels made in a cm2 of skin in the whole session [per cm2]."""
        return self.channels_per_pass_cm2 * self.passes_used

    @property
    def needle_radius_mm(self) -> float:
        """Radius of a needle above its tip [mm]."""
        if self.is_punch:
            return 0.0
        return (self.needle_diameter_mm or device_value(self.device, "needle_diameter")) / 2.0

    @property
    def mean_reach_mm(self) -> float:
        """Mean depth below the surface that needles reach [mm], before the endpoint is looked at."""
        if self.is_punch:
            return 0.0
        if self.depth_reached_mm is not None:
            return self.depth_reached_mm
        # rounded so that 0.8 x 1.5 reads 1.2: far below any measurement of depth
        return round(self.depth_mm * device_value(self.device, "reach_fraction"), 12)

    @property
    def dose(self) -> str:
        """Device, depth and channels in a few words, such as ``pen 1.5 mm, 250/cm2``."""
        if self.is_punch:
            return f"punch {plain(self.punch_diameter_mm)} mm"
        if self.density_per_cm2 is not None:
            often = f"{plain(self.density_per_cm2)}/cm2"
        else:
            often = f"{plain(self.passes_used)} pass{'' if self.passes_used == 1 else 'es'}"
        return f"{self.device} {plain(self.depth_mm)} mm, {often}"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What was not given and therefore taken from the device's usual use, one sentence each."""
        if self.is_punch:
            return ("a punch goes through the whole dermis whatever depth_mm says",)
        found = []
        if self.density_per_cm2 is None and self.passes is None:
            found.append(
                f"neither density nor passes were given: {self.passes_used:g} over the same place as usual for device "
                f"{self.device!r}, "
                f"{self.channels_per_cm2:.0f} channels per cm2"
            )
        if self.needle_diameter_mm is None:
            found.append(
                f"needle diameter {2 * self.needle_radius_mm:g} mm, usual for device {self.device!r}"
            )
        if self.depth_reached_mm is None:
            share = device_value(self.device, "reach_fraction")
            found.append(f"needles reach on average {share:g} of the nominal {self.depth_mm:g} mm")
        if self.endpoint == "pinpoint_bleeding":
            found.append(
                "pinpoint bleeding read as a mean reach of at least the base of the papillary dermis"
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return the arguments that were given, as JSON holds them."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        given["aftercare"] = [course.to_dict() for course in self.aftercare]
        return {name: value for name, value in given.items() if value not in (None, [])}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Session:
        """Return the session that ``to_dict`` described."""
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise InputError(
                    f"a session has no {name!r}: it has {', '.join(known)}{nearest(name, known)}"
                )
        values = dict(given)
        values["aftercare"] = tuple(Aftercare.from_dict(course) for course in values.get("aftercare", ()))
        return cls(**values)

    def __repr__(self) -> str:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        written = (f"{name}={value!r}" for name, value in given.items() if value not in (None, ()))
        return f"Session({', '.join(written)})"
