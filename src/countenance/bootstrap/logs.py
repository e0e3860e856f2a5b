"""The operators' log: standard error, one line an event, never anything personal. The audit log is another thing."""

import logging


def set_up_logging(level: str) -> None:
    """Log to standard error from a level up, and keep dependencies quiet."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True)
    for name in ("alembic", "httpx", "uvicorn.access", "PIL"):
        logging.getLogger(name).setLevel(logging.WARNING)
