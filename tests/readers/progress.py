"""How far a campaign is, and what it has found."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A mutation that a reader did not bear."""

    format: str
    seed: int
    what: str
    """What was done to the log."""
    how: str
    """What went wrong, the same for every mutation that finds the same fault."""


class Progress:
    """How many mutations of each format were read, and what was found, kept in a file from run to run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self.done: Counter[str] = Counter(kept.get("done", {}))
        self.read: Counter[str] = Counter(kept.get("read", {}))
        """Of these, the logs that no earlier seed of the same run had made."""
        self.found: list[dict[str, Any]] = kept.get("found", [])

    def keep(self, name: str, done: int, read: int, findings: list[Finding]) -> None:
        """Write it down, all of it or nothing."""
        self.done[name] = done
        self.read[name] += read
        known = {(item["format"], item["how"]) for item in self.found}
        for finding in findings:
            if (finding.format, finding.how) not in known:
                known.add((finding.format, finding.how))
                self.found.append(vars(finding))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(
            json.dumps({"done": self.done, "read": self.read, "found": self.found}, indent=1, sort_keys=True)
        )
        fresh.replace(self._path)
