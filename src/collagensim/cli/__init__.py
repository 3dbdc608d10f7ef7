"""The command line: ``collagensim simulate``, ``scan``, and tables of what can be chosen."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

from collagensim.cli.arguments import read
from collagensim.errors import CollagensimError

__all__ = ["main"]

BAD_INPUT, INTERRUPTED = 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 2 refused or failed in one sentence, 130 Ctrl-C."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _one_line
            arguments = read(argv)
            arguments.run(arguments)
            sys.stdout.flush()  # a full disk is told here, not by a traceback at the exit
            return 0
    except CollagensimError as error:
        _say(f"error: {error}")
        return BAD_INPUT
    except KeyboardInterrupt:
        _say("interrupted; no unfinished file is left")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as in "| head"
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - so that the exit does not flush into the pipe
        return 0
    except OSError as error:
        _say(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - what is still buffered has nowhere to go
        return BAD_INPUT
    except SystemExit as done:  # --help and --version
        return done.code if isinstance(done.code, int) else 0


def _say(text: str) -> None:
    sys.stderr.write(f"collagensim: {' '.join(text.split())}\n")


def _one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None,
    line: str | None = None,
) -> None:  # fmt: skip
    _say(f"warning: {message}")
