"""Jobs for other processes, which know them by the name of this module."""

import os
import signal
import time

from collagensim.errors import InputError

# As this process met an interrupt when it read this module, before it had been told its job.
AT_FIRST = signal.getsignal(signal.SIGINT)


def job(what, watch):
    """Do what is said: a number is squared, a word goes wrong in its own way."""
    watch(0.5)
    if what == "raise":
        raise ValueError("this one alone")
    if what == "end":
        os._exit(3)
    if what == "refuse":
        raise InputError("none of them can be")
    if what == "interrupts":
        return "ignored" if AT_FIRST is signal.SIG_IGN else str(AT_FIRST)
    if what == "sleep":
        time.sleep(60)
    return what**2, os.getpid()
