"""Jobs for other processes, which know them by the name of this module."""

import os
import time

from collagensim.errors import InputError


def job(what, watch):
    """Do what is said: a number is squared, a word goes wrong in its own way."""
    watch(0.5)
    if what == "raise":
        raise ValueError("this one alone")
    if what == "end":
        os._exit(3)
    if what == "refuse":
        raise InputError("none of them can be")
    if what == "sleep":
        time.sleep(60)
    return what**2, os.getpid()
