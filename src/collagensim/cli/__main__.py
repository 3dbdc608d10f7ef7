"""``python -m collagensim.cli``: the command line where the ``collagensim`` script is not on the path."""

import sys

from collagensim.cli import main

if __name__ == "__main__":
    sys.exit(main())
