"""What can go wrong with a bundle: one error, with a code that a program can read."""

from __future__ import annotations


class BundleError(Exception):
    """A bundle that is refused. The old one stays in force.

    Args:
        code: a word from a closed list (``not_json``, ``too_large``, ``too_deep``, ``wrong_version``, ``bad_digest``,
            ``bad_shape``, ``unknown_transform``, ``bad_signature``, ``rolled_back``, ``expired``).
        detail: what about it, without quoting the bundle beyond a name or an offset.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
