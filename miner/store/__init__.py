"""The DuckDB file that holds every event: log files in, sessions out.

What it guarantees:

- *Nothing twice.* The same file again adds nothing, under whatever name; an appended file adds the rows of its tail;
  a changed file replaces its own rows and no others; a file that was deleted keeps its rows.
- *Nothing half.* The rows of a source and its ledger entry (identity, reader and its version, byte account, counts,
  digest of the rows) are committed together. A run killed at any instant leaves a store that the next run completes.
- *Nothing in silence.* What could not be read is a row in ``problems`` with file, line or offset, and reason.
- *One writer.* A lock on a side file is held while the store is open; the second writer is told who holds it.
- *Nothing trusted.* After an unclean end the new rows are checked against their digests; a damaged file is repaired
  on a copy or rebuilt from the logs, the original is kept, and what was done is said in words.
- *Order.* Sessions come by (start, key), events by ``seq``, whatever order the files were read in.

Importing this package is cheap; DuckDB and Arrow load when a store is opened.
"""

from miner.store.database import Store
from miner.store.report import IngestReport, Progress, TooManyProblemsError

__all__ = ["IngestReport", "Progress", "Store", "TooManyProblemsError"]
