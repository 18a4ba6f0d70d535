"""The lightweight runtime: standard library only, imports nothing outside this folder.

    speculator = Speculator(load_bundle("bundle.json"), starter_policy(["claude_code"]), execute=call, mode=Mode.ON)

The names below load their module when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .budget import Budget
    from .bundle import Bundle, load_bundle
    from .effects import Effect, Level
    from .errors import BundleError
    from .ledger import Ledger
    from .policy import Policy, PolicyError, ToolRule
    from .policy_file import load_policy, starter_policy
    from .run import Mode
    from .speculation import Speculation
    from .speculator import Session, Speculator
    from .threads import ThreadSession, ThreadSpeculator

__all__ = [
    "Budget",
    "Bundle",
    "BundleError",
    "Effect",
    "Ledger",
    "Level",
    "Mode",
    "Policy",
    "PolicyError",
    "Session",
    "Speculation",
    "Speculator",
    "ThreadSession",
    "ThreadSpeculator",
    "ToolRule",
    "load_bundle",
    "load_policy",
    "starter_policy",
]

_MODULES = {
    "budget": ("Budget",),
    "bundle": ("Bundle", "load_bundle"),
    "effects": ("Effect", "Level"),
    "errors": ("BundleError",),
    "ledger": ("Ledger",),
    "policy": ("Policy", "PolicyError", "ToolRule"),
    "policy_file": ("load_policy", "starter_policy"),
    "run": ("Mode",),
    "speculation": ("Speculation",),
    "speculator": ("Session", "Speculator"),
    "threads": ("ThreadSession", "ThreadSpeculator"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """One of the public names."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{module}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
