#!/usr/bin/env python3
"""Everything a checkout needs, with nothing but Python 3.11 or later: ``python3 dev.py`` lists the commands.

It makes ``.venv`` beside this file and installs into it what the command needs: with uv where uv is on PATH, else
with this Python's pip, else with the pip that Python brings along. The second run skips all that.
"""

# Old Pythons must be able to parse this file, so that they can be refused in words: no new syntax here.

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

OLDEST_PYTHON = (3, 11)
OLDEST_PIP_WITH_TARGET = (22, 3)  # the first pip that can install into another environment: --python
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "installed.json"
DEMO_RUN = Path("data", "runs", "demo")
MOST_CORES = 4  # for tests: each core's share of them takes a gigabyte or two, and many start processes of their own
CONTAINS = {"test": {"dashboard", "mining"}, "dashboard": {"mining"}}  # what else an extra of pyproject.toml brings


class SetupError(Exception):
    """What went wrong, for people."""


def say(text):
    """Tell what is being done; results are the tools' own output."""
    print("dev.py: " + text, file=sys.stderr, flush=True)


def run(*command, **options):
    """Run a command in the checkout, after flushing what was said, and return its exit code."""
    sys.stdout.flush()
    return subprocess.run([str(part) for part in command], cwd=str(ROOT), check=False, **options).returncode


# --- the environment -------------------------------------------------------------------------------------------------


def prepare(extra):
    """Make .venv hold the project and one extra, unless it does already."""
    stamp = read_stamp()
    moved = stamp.get("venv", str(VENV)) != str(VENV)  # its scripts name the folder that they were installed into
    if moved or not works(PYTHON):
        say("making a virtual environment in .venv")
        venv.EnvBuilder(with_pip=False, clear=VENV.exists()).create(str(VENV))
        stamp = {}
    fingerprint = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    done = set(stamp.get("extras", ())) if stamp.get("pyproject") == fingerprint else set()
    if extra in done.union(*(CONTAINS.get(name, set()) for name in done)):
        return
    name, command = installer()
    say(f"installing the project with its '{extra}' part, using {name}: a minute or two, the first time")
    began = time.monotonic()
    if run(*command, "-e", f".[{extra}]"):
        raise SetupError("the installation failed; see above. The first run needs the network, or a mirror.")
    say(f"installed in {time.monotonic() - began:.0f} s")
    stamp = {"pyproject": fingerprint, "extras": sorted(done | {extra}), "venv": str(VENV)}
    STAMP.write_text(json.dumps(stamp), encoding="utf-8")


def works(python):
    """True when that interpreter starts and is new enough: an environment dies with the Python it was made from."""
    check = f"import sys; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    return python.exists() and run(python, "-c", check, stderr=subprocess.DEVNULL) == 0


def read_stamp():
    """What an earlier run installed; an unreadable stamp means: nothing."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def installer():
    """The first usable way to install into .venv: its name, and the command up to what is to be installed."""
    uv = shutil.which("uv")
    if uv:
        return "uv", [uv, "pip", "install", "--quiet", "--python", PYTHON]
    options = ["install", "--quiet", "--disable-pip-version-check"]
    version = pip_version(sys.executable)
    if version >= OLDEST_PIP_WITH_TARGET:
        return "pip {}.{}".format(*version), [sys.executable, "-m", "pip", "--python", PYTHON, *options]
    if not pip_version(PYTHON):
        say("this Python has no pip of 22.3 or later: putting the one it carries into .venv")
        run(PYTHON, "-m", "ensurepip", "--upgrade", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    version = pip_version(PYTHON)
    if not version:
        raise SetupError(
            "found neither uv, nor pip 22.3 or later, nor ensurepip.\n"
            "  next: install one of them (Debian and Ubuntu: apt install python3-pip; or see docs.astral.sh/uv)"
        )
    return "pip {}.{} of .venv".format(*version), [PYTHON, "-m", "pip", *options]


def pip_version(python):
    """(major, minor) of the pip of an interpreter; empty when it has none."""
    asked = subprocess.run(
        [str(python), "-m", "pip", "--version"],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    found = re.match(r"pip (\d+)\.(\d+)", asked.stdout)
    return tuple(int(part) for part in found.groups()) if found and asked.returncode == 0 else ()


# --- the commands ----------------------------------------------------------------------------------------------------


def demo(arguments):
    """Run the whole journey on the sample logs and print the report."""
    prepare("mining")
    say(f"running the whole journey: miner run data/sample --out {DEMO_RUN}")
    code = run(BIN / "miner", "run", Path("data", "sample"), "--out", DEMO_RUN, *arguments)
    if code == 0:
        say(f"the run folder is {ROOT / DEMO_RUN}")
        say("to look around in it: python3 dev.py dashboard")
        say("to do the same with your own logs: .venv/bin/miner run ~/.claude/projects --out data/runs/mine")
    return code


def check(_arguments):
    """Style and types, without the tests: ruff and mypy."""
    prepare("test")
    return run_all(static_checks())


def test(arguments):
    """Every check that CI runs: ruff, mypy, pytest on every core; arguments, if any, go to pytest on one."""
    prepare("test")
    # A file stays on one core: what its tests share is made once.
    spread = ["-n", min(os.cpu_count() or 1, MOST_CORES), "--dist", "loadfile"]
    words = arguments or spread
    return run_all([*static_checks(), ("pytest", [BIN / "pytest", "-m", "not soak and not spark", *words])])


def spark(arguments):
    """The tests on a real Spark, which need Java 17 and a large download; arguments go to pytest."""
    prepare("test")
    prepare("spark")
    return run_all([("pytest", [BIN / "pytest", "-m", "spark and not soak", *arguments])])


def soak(arguments):
    """The long campaigns of the tests; arguments go to pytest."""
    prepare("test")
    return run_all([("pytest", [BIN / "pytest", "-m", "soak", *arguments])])


def bench(arguments):
    """Run measurements of benchmarks/ by name; without a name, list them."""
    known = {path.stem: path for path in sorted((ROOT / "benchmarks").glob("[a-z]*.py"))}
    name = arguments[0] if arguments else None
    if name not in known:
        if name:
            say(f"there is no benchmark called '{name}'")
        print("usage: python3 dev.py bench NAME [ARGUMENTS]\n")
        for stem, path in known.items():
            print(f"  {stem:<16} {summary(path)}")
        return 2 if name else 0
    prepare("test")
    return run(PYTHON, known[name], *arguments[1:])


def dashboard(arguments):
    """Open the dashboard on a run folder; without one, on the demo's."""
    prepare("dashboard")
    if not arguments and not (ROOT / DEMO_RUN / "run.json").exists():
        say("no demo run yet")
        code = demo([])
        if code:
            return code
    return run(BIN / "miner", "dashboard", *(arguments or [DEMO_RUN]))


COMMANDS = {command.__name__: command for command in (demo, test, check, bench, soak, spark, dashboard)}


def static_checks():
    """The checks that read the code and do not run it."""
    return [
        ("ruff check", [BIN / "ruff", "check", "."]),
        ("ruff format", [BIN / "ruff", "format", "--check", "."]),
        ("mypy", [BIN / "mypy"]),
    ]


def run_all(steps):
    """Run every step, whatever the earlier ones found, then sum up; 1 when any failed."""
    lines, failed = [], False
    for name, command in steps:
        say(f"running {name}")
        began = time.monotonic()
        code = run(*command)
        failed = failed or code != 0
        outcome = "passed" if code == 0 else "found no test to run" if (name, code) == ("pytest", 5) else "FAILED"
        lines.append(f"{name:<12} {outcome} in {time.monotonic() - began:.1f} s")
    for line in lines:
        say(line)
    return int(failed)


def summary(path):
    """The first line of a module's docstring."""
    found = re.match(r'(?:#.*\n)*\s*"""(.*)', path.read_text(encoding="utf-8"))
    return found.group(1).strip('" ') if found else ""


def main(arguments):
    """Refuse an old Python, find the command, run it."""
    if sys.version_info < OLDEST_PYTHON:
        say("Python {}.{} or later is needed; this one is {}".format(*OLDEST_PYTHON, sys.version.split()[0]))
        return 2
    name = arguments[0] if arguments else "help"
    if name not in COMMANDS:
        print("usage: python3 dev.py COMMAND [ARGUMENTS]\n")
        for command in COMMANDS.values():
            print(f"  {command.__name__:<10} {command.__doc__}")
        return 0 if name in ("help", "-h", "--help") else 2
    try:
        return COMMANDS[name](arguments[1:])
    except (SetupError, OSError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
