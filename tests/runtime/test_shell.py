"""Shell command lines taken apart, held against the grammar of tree-sitter-bash."""

from __future__ import annotations

import pytest
import tree_sitter
import tree_sitter_bash
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime.shell import program_and_verbs, simple_commands

LINES = [
    "git status",
    "cd /a/b && git diff --stat | head -20",
    "FOO=1 BAR='x y' pytest -q tests/unit",
    r"find . -name '*.py' -exec grep -l foo {} \; | sort",
    'grep -n "a|b;c&d" file.txt | sort | uniq -c',
    "cat > out.py <<'EOF'\nimport os | not a pipe\nEOF\npython out.py",
    "for f in a b c; do echo $f; done; ls",
    "if grep -q x y; then rm y; else touch y; fi",
    'while read line; do echo "$line"; done < file',
    "(cd a && ls) > /dev/null 2>&1",
    "{ echo a; echo b; } | wc -l",
    "make -j4 2>&1 | tail -5 || echo failed",
    "sleep 5 & wait",
    'echo "$(git log --format="%h" | head -1)" && date',
    "diff <(sort a) <(sort b)",
    "ls # a comment; rm -rf x\npwd",
    "echo a\\ b 'c;d' \"e&&f\"",
    "curl -s 'https://x.y/z?a=1&b=2' | jq '.a[] | .b'",
    "awk '{print $1}' f | sort -u",
    "test -f a && . ./env.sh",
    "! grep -q foo bar",
    'echo hi >> log.txt; cat <<< "text"',
    "A=1\nB=2\nls -la \\\n  --color",
    "",
]

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def programs_by_grammar(line: str) -> list[str] | None:
    """The command names of a line by tree-sitter, outside substitutions; None where it finds an error."""
    root = PARSER.parse(line.encode()).root_node
    if root.has_error:
        return None
    found: list[str] = []

    def visit(node: tree_sitter.Node) -> None:
        if node.type in {"command_substitution", "process_substitution", "heredoc_body"}:
            return
        if node.type == "command_name" and node.text is not None:
            found.append(node.text.decode())
        if node.type == "test_command":
            found.append("[")
        for child in node.children:
            visit(child)

    visit(root)
    return found


@pytest.mark.parametrize("line", LINES)
def test_programs_are_those_of_the_grammar(line: str) -> None:
    """Every simple command of a line is found, in order, and nothing that is quoted, commented or substituted."""
    assert [words[0] for words in simple_commands(line)] == programs_by_grammar(line)


WORD = st.sampled_from(["a", "-x", "'q;r'", '"s|t"', "$v", "f.txt", "$(ls -a)", "x=1", r"\;", "2", "a#b", '"$(w "z")"'])
COMMAND = st.builds(
    lambda program, words, target: " ".join([program, *words]) + target,
    st.sampled_from(["ls", "git", "V=1 make", "/usr/bin/env", "cat"]),
    st.lists(WORD, max_size=3),
    st.sampled_from(["", "", " > out", " 2>&1", " < in", " >>log 2>/dev/null"]),
)
SEPARATOR = st.sampled_from([" && ", " || ", " | ", "; ", "\n", " |& ", ";"])


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(COMMAND, SEPARATOR), min_size=1, max_size=4), COMMAND)
def test_random_lines_agree_with_the_grammar(parts: list[tuple[str, str]], last: str) -> None:
    """Chains and pipelines of random commands are cut where the grammar cuts them."""
    line = "".join(command + separator for command, separator in parts) + last
    # The grammar takes the two lines "a | b" and "c > f" for one redirected pipeline and loses a command.
    expected = None if "|" in line and "\n" in line else programs_by_grammar(line)
    if expected is not None:
        assert [words[0] for words in simple_commands(line)] == expected


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="ab \n\t'\"`$(){}<>|&;\\#-=!*", max_size=60) | st.text(max_size=60))
def test_any_text_is_survived(line: str) -> None:
    """No text, however broken, raises or runs away."""
    names = program_and_verbs(line)
    assert len(names) <= 3
    assert all(isinstance(name, str) and name for name in names)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cd x && git -C /repo diff | head", ("git", "diff")),
        ("sudo -u me timeout -k 5 60 env A=1 npm run build", ("npm", "run", "build")),
        ("bash -lc 'cd /a && make test'", ("make", "test")),
        ("uv run pytest tests/x.py", ("pytest",)),
        ("python3 -m pytest -q", ("pytest",)),
        ("xargs -n 1 rm -f", ("rm",)),
        ("/usr/local/bin/pip3 install -r x.txt", ("pip3", "install")),
        ("export A=1; cd b", ("export",)),
        ("$CMD run", ()),
        ("echo 'open", ()),
        ("case $x in a) ls;; esac", ()),
        ("time ls", ("ls",)),
        ("nohup", ("nohup",)),
    ],
)
def test_a_line_is_about_one_program(line: str, expected: tuple[str, ...]) -> None:
    """Preparations and wrappers are seen through; what only the shell can name stays unknown."""
    assert program_and_verbs(line) == expected


def test_a_long_line_costs_no_more_than_its_length() -> None:
    """Nested openings and long quotes are cut without backtracking: a megabyte of each ends at once."""
    for text in ("$(" * 200_000, '"' + "a\\" * 200_000, "(" * 200_000, "'x" * 200_001, "a " * 200_000):
        assert len(program_and_verbs(text)) <= 3
