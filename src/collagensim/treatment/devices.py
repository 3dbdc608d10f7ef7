"""Devices as data: what each has on it, how it is usually used, how deep its needles go."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from collagensim.skin import Figure, read_figures


@cache
def _figures() -> tuple[Figure, ...]:
    return read_figures(files(__package__).joinpath("devices.csv"), "device")


@cache
def devices() -> tuple[str, ...]:
    """Return the names of the devices that are known."""
    return tuple(dict.fromkeys(figure.of for figure in _figures() if figure.of != "all"))


def device_table(device: str | None = None) -> list[dict[str, str | float]]:
    """Return the figures of one device, or of all: quantity, value, unit, range, status, source, evidence, of, note."""
    return [figure.row() for figure in _figures() if device is None or figure.of in (device, "all")]


@cache
def device_value(device: str, quantity: str) -> float:
    """Return one figure of a device, or of all devices where it has no own one."""
    for of in (device, "all"):
        for figure in _figures():
            if figure.of == of and figure.quantity == quantity:
                return figure.value
    raise LookupError(f"no {quantity} of {device}")
