"""Sessions that nobody here wrote, played against servers that are here: other people's calls, real answers.

Of LiveMCPBench's trajectories (https://github.com/icip-cas/LiveMCPBench) the calls of its fetch server are taken. What
they fetched was the web; here each address is a page of the local site that takes its time.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

Steps = list[tuple[str, dict[str, Any]]]


def fetches(logs: Path, part: str, root: str) -> list[Steps]:
    """The sessions of one part (``train`` or ``test``) that fetch at least two pages."""
    found = []
    for path in sorted((logs / part).glob("*.json.gz")):
        for session in json.loads(gzip.decompress(path.read_bytes())):
            steps = list(_steps(session["messages"], root))
            if len(steps) > 1:
                found.append(steps)
    return found


def _steps(messages: list[dict[str, Any]], root: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for message in messages:
        for call in message.get("tool_calls") or ():
            try:
                asked = json.loads(call["function"]["arguments"])
            except ValueError:
                continue
            params = asked.get("params")
            if asked.get("server_name") == "fetch" and isinstance(params, dict) and "url" in params:
                yield "fetch", {**params, "url": _at_home(params["url"], root)}


def _at_home(url: str, root: str) -> str:
    """The page of the local site that stands for an address."""
    parts = urlsplit(url)
    return f"{root}/{quote(parts.netloc)}/{quote(parts.path.strip('/') or 'index')}"
