"""Opens the bundle that a user names: a file, or a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from miner.errors import RunFolderError

if TYPE_CHECKING:
    from miner.runtime.bundle import Bundle


def opened(path: Path, public_key: str | None = None) -> Bundle:
    """The bundle of a file or of a run folder; with a public key, or the file that holds it, only if it is signed.

    Raises:
        RunFolderError: it cannot be used, and why.
    """
    from miner.runtime.bundle import load_bundle
    from miner.runtime.errors import BundleError

    file = path / "bundle.json" if path.is_dir() else path
    try:
        return load_bundle(file, public_keys=[_key(public_key)] if public_key else ())
    except BundleError as error:
        advice = f"miner export {path}" if path.is_dir() else "name a bundle.json, or export it anew"
        raise RunFolderError(f"the bundle is refused: {error}", where=str(file), next_step=advice) from error


def _key(text: str) -> str:
    """The text of a key file, or the key itself; what is no text is refused as any other wrong key is."""
    file = Path(text)
    return file.read_text("utf-8", errors="replace") if file.is_file() else text
