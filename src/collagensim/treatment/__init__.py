"""Treatment: device, session and protocol, the injury they make, and what comes after."""

from collagensim.treatment.aftercare import Aftercare, aftercare_kinds, aftercare_table
from collagensim.treatment.devices import device_table, devices
from collagensim.treatment.field import InjuryField
from collagensim.treatment.geometry import Channels
from collagensim.treatment.injury import Injury, injure
from collagensim.treatment.protocol import Protocol
from collagensim.treatment.session import Session
from collagensim.treatment.trials import Trial, trial, trial_ids

__all__ = [
    "Aftercare",
    "Channels",
    "Injury",
    "InjuryField",
    "Protocol",
    "Session",
    "Trial",
    "aftercare_kinds",
    "aftercare_table",
    "device_table",
    "devices",
    "injure",
    "trial",
    "trial_ids",
]
