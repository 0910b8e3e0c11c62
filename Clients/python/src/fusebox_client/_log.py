"""The package's logger, `fusebox_client`, by the usual means of `logging`.

`logging` is loaded when there is something to say. It costs as much as the rest of the package.
"""

from __future__ import annotations

import sys


def warn(message: str, *values: object) -> None:
    """Something was lost, or is not as it should be."""
    import logging

    logging.getLogger("fusebox_client").warning(message, *values)


def tell(message: str, *values: object) -> None:
    """Something that is of interest to a program that logs: nothing is loaded for it."""
    logging = sys.modules.get("logging")
    if logging is not None:
        logging.getLogger("fusebox_client").info(message, *values)
