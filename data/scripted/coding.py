"""The coding agent: mends bugs, renames functions and answers questions in the project ``shop``.

What it is asked is drawn, and so is how it goes about it: which files it looks at and in what order, whether it
reads them in parallel, guesses a wrong path or makes a wrong first repair, which tests it runs, whether it commits.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from .transcript import Transcript
from .workspace import SHOWN, Workspace


class Bug(NamedTuple):
    """A line of a module, how it was broken, and a repair that does not help."""

    module: str
    right: str
    broken: str
    no_help: str


BUGS = (
    Bug("prices", "net + net * VAT_PERCENT // 100", "net + VAT_PERCENT // 100", "net * VAT_PERCENT // 100"),
    Bug("prices", "total - total * percent // 100", "total - percent", "total - total * percent"),
    Bug("prices", "if total >= FREE_SHIPPING_FROM", "if total > FREE_SHIPPING_FROM", "if total < FREE_SHIPPING_FROM"),
    Bug("cart", "(price, had + count)", "(price, count)", "(price, had)"),
    Bug("cart", "return due + shipping_cost(due)", "return due", "return due + shipping_cost(percent)"),
    Bug("cart", "self.lines.pop(article, None)", "self.lines.get(article)", "self.lines.pop(article, 0, None)"),
    Bug("stock", "< count:", "<= count:", "> count:"),
    Bug("stock", "self.counts.get(article, 0) + count", "count - 1", "self.counts[article] + count"),
    Bug("stock", "if count <= limit", "if count < limit", "if count == limit"),
    Bug("orders", "gross_price(cart.total())", "cart.total()", "gross_price(cart.subtotal)"),
    Bug("orders", 'if order.status != "open":', 'if order.status == "open":', 'if order.status != "cancelled":'),
    Bug("report", 'if order.status != "cancelled"', 'if order.status == "open" or order.amount', "if order.amount"),
    Bug("report", "most_common(most)", "most_common()[most:]", "most_common(most + 1)"),
    Bug("report", "if orders else 0", "if orders else None", 'if orders else ""'),
    Bug("addresses", 'text.strip().partition(" ")', 'text.partition(" ")', 'text.strip().partition(",")'),
    Bug("addresses", "{town.upper()}", "{town}", "{town.title()}"),
)
RENAMES = (
    ("gross_price", "price_with_vat"),
    ("shipping_cost", "postage"),
    ("place_order", "submit_order"),
    ("cancel_order", "withdraw_order"),
    ("parse_postcode", "split_place"),
    ("turnover", "revenue"),
    ("discounted", "after_discount"),
    ("running_low", "to_reorder"),
)
QUESTIONS = (
    ("Where is VAT added to an order?", "VAT_PERCENT|gross_price"),
    ("What happens when an article is out of stock?", "reserve|rejected"),
    ("Who uses the shipping cost?", "shipping_cost"),
    ("Which statuses can an order have?", "status"),
    ("How does a label find the town?", "parse_postcode|town"),
    ("What counts as turnover?", "turnover|cancelled"),
)
FAILURE = re.compile(r"^(tests/test_\w+\.py):(\d+): ", re.MULTILINE)


def session(seed: str, start_us: int, folder: Path) -> Transcript:
    """One session of one to three tasks, in a workspace of its own."""
    workspace = Workspace(folder)
    transcript = Transcript(seed, workspace.tools(), start_us)
    chance = transcript.chance
    tasks = chance.choices((mend, rename, explain), (6, 2, 3), k=chance.choice((1, 1, 2, 2, 3)))
    bug = chance.choice(BUGS)
    if mend in tasks:
        path = workspace.path(f"shop/{bug.module}.py")
        path.write_text(path.read_text().replace(bug.right, bug.broken))
    workspace.begin_history()
    for task in dict.fromkeys(tasks):
        if task is mend:
            mend(transcript, bug)
        else:
            task(transcript)
        if transcript.likely(0.3):
            commit(transcript, task.__name__)
    return transcript


def module_path(name: str) -> str:
    """A module as the log shows it."""
    return f"{SHOWN}/shop/{name}.py"


def run_tests(transcript: Transcript, module: str, text: str = "") -> str:
    """Run the tests of a module in the manner of the day, and return the output."""
    target = f"tests/test_{module}.py"
    ways = (f"python3 -m pytest -q {target}", f"python3 -m pytest -x -q {target}", f"python3 -m pytest {target} -v")
    command = transcript.chance.choices(ways, (7, 2, 1))[0]
    described = {"description": f"Run tests of {module}"} if transcript.likely(0.5) else {}
    return transcript.call("Bash", text, command=command, **described).text


def mend(transcript: Transcript, bug: Bug) -> None:
    """See a test fail, look at it and at the code, repair, and run the tests again."""
    module, chance = bug.module, transcript.chance
    named = transcript.likely(0.6)
    about = f"tests/test_{module}.py" if named else "the test suite"
    transcript.user(chance.choice((f"{about} fails, please fix it", f"Why does {about} fail?", f"Make {about} pass")))
    if named:
        output = run_tests(transcript, module, "I'll run it first.")
    else:
        output = transcript.call("Bash", "I'll run the tests.", command="python3 -m pytest -q").text
    failed = FAILURE.search(output)
    test_file = f"{SHOWN}/{failed.group(1)}" if failed else f"{SHOWN}/tests/test_{module}.py"
    look_at(transcript, module, test_file)
    if transcript.likely(0.2):
        edit(transcript, module, bug.broken, bug.no_help)
        run_tests(transcript, module)
        edit(transcript, module, bug.no_help, bug.right, "That was not it.")
    else:
        edit(transcript, module, bug.broken, bug.right)
    run_tests(transcript, module)
    if transcript.likely(0.55):
        transcript.call("Bash", command="python3 -m pytest -q")
    transcript.answer(f"The error was in shop/{module}.py; the tests pass now.")


def look_at(transcript: Transcript, module: str, test_file: str) -> None:
    """Read the failing test and the module, together or one after the other, now and then by a wrong path."""
    if transcript.likely(0.12):
        transcript.call("Read", file_path=f"{SHOWN}/{module}.py")
        transcript.call("Glob", pattern=f"**/{module}.py")
    if transcript.likely(0.45):
        transcript.calls([("Read", {"file_path": test_file}), ("Read", {"file_path": module_path(module)})])
        return
    transcript.call("Read", file_path=test_file)
    if transcript.likely(0.25):
        transcript.call("Grep", pattern=f"from shop.{module} import", output_mode="content")
    transcript.call("Read", file_path=module_path(module))


def edit(transcript: Transcript, module: str, old: str, new: str, text: str = "") -> None:
    """Replace text in a module."""
    transcript.call("Edit", text, file_path=module_path(module), old_string=old, new_string=new)


def rename(transcript: Transcript) -> None:
    """Find every use of a function, read those files, change each, and run all tests."""
    old, new = transcript.chance.choice(RENAMES)
    transcript.user(f"Rename {old} to {new} everywhere.")
    files = transcript.call("Grep", pattern=old).text.splitlines()[1:]
    if transcript.likely(0.25):
        transcript.call("Grep", pattern=rf"\b{old}\(", output_mode="content")
    if transcript.likely(0.6):
        transcript.calls([("Read", {"file_path": path}) for path in files])
    else:
        for path in files:
            transcript.call("Read", file_path=path)
    for path in files:
        transcript.call("Edit", file_path=path, old_string=old, new_string=new, replace_all=True)
    if transcript.likely(0.4):
        changed = " ".join(path.removeprefix(f"{SHOWN}/") for path in files)
        transcript.call("Bash", command=f"python3 -m py_compile {changed}")
    transcript.call("Bash", command="python3 -m pytest -q")
    if transcript.likely(0.5):
        transcript.call("Grep", pattern=old)
    transcript.answer(f"{old} is now {new} in {len(files)} files.")


def explain(transcript: Transcript) -> None:
    """Answer a question about the code, sometimes through a sub-agent; the person may take the question back."""
    question, pattern = transcript.chance.choice(QUESTIONS)
    transcript.user(question)
    if transcript.likely(0.45):
        arguments = {"description": "Explore the code", "prompt": question, "subagent_type": "Explore"}
        transcript.delegate(arguments, lambda child: explore(child, pattern))
        transcript.answer("See above: the agent found the place.")
        return
    explore(transcript, pattern)
    if transcript.likely(0.5):
        other, pattern = transcript.chance.choice([entry for entry in QUESTIONS if entry[0] != question])
        transcript.user(other, rewinds=True)
        explore(transcript, pattern)


def explore(transcript: Transcript, pattern: str) -> str:
    """Search, open what was found, and say where it is."""
    if transcript.likely(0.3):
        transcript.call("Glob", pattern="shop/*.py")
    files = transcript.call("Grep", pattern=pattern, path=f"{SHOWN}/shop").text.splitlines()[1:]
    first = files[: transcript.chance.choice((1, 2, 2, 3))]
    if len(first) > 1 and transcript.likely(0.5):
        transcript.calls([("Read", {"file_path": path}) for path in first])
    else:
        for path in first:
            transcript.call("Read", file_path=path)
    found = f"It is in {', '.join(path.removeprefix(f'{SHOWN}/') for path in first)}."
    transcript.answer(found)
    return found


def commit(transcript: Transcript, what: str) -> None:
    """Look at the change and commit it."""
    transcript.user("Please commit.")
    if transcript.likely(0.7):
        transcript.calls([("Bash", {"command": "git status --short"}), ("Bash", {"command": "git diff"})])
    transcript.call("Bash", command=f"git add -A && git commit -m '{what.capitalize()} as asked'")
    transcript.answer("Committed.")
