"""The effect of shell command lines: a short list of readers, and everything else is a write."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tree_sitter_bash
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tree_sitter import Language, Node, Parser

from miner.runtime.effects import Effect
from miner.runtime.shell_effect import parsed, shell_effect

_BASH = Parser(Language(tree_sitter_bash.language()))

READS = """
ls
ls -la src
cat a.txt b.txt
cat 'a file' "another file"
head -n 20 src/main.py | grep -n "def \\|class "
cat a 2>/dev/null
cat missing 2>&1 | head
grep -rn needle src/*.py
rg --files -g '*.py' | sort | uniq -c | sort -rn | head -5
find . -name '*.py' -not -path './.venv/*' -type f
sed -n 10,20p file.py
sed -n '1p;5,$p' file.py
awk '{print $2}' file
awk -F: '{ print $1, $3 }' /etc/passwd
git log --oneline -5
git -C sub show HEAD:file
git branch -a
git stash list
git --no-pager log && git rev-parse HEAD
git --no-optional-locks status --short
wc -l a; wc -l b
pwd
date +%Y
python3 --version
test -f a && cat a || ls
ls *
/bin/ls
""".strip().splitlines()

WRITES = r"""
rm -rf x
cat a > b
cat a >> b
cat a 2> errors
ls | tee out
ls; rm x
ls && rm x
ls || rm x
ls | xargs rm
echo $(rm x)
echo `rm x`
cat <(rm x)
cat "$(rm x)"
cat $FILE
cat ${FILE}
echo "$HOME"
FOO=1 ls
LD_PRELOAD=x.so ls
ls &
(ls)
{ ls; }
if true; then ls; fi
for f in a b; do cat $f; done
cat <<EOF
cd x && ls
source x
. x
eval ls
exec ls
sudo ls
env ls
timeout 5 ls
bash -c ls
xargs cat
command ls
./ls
/tmp/ls
c/bin/at a
c/usr/bin/at a
find . -delete
find . -exec rm {} +
find . -fprint out
find . -unknown
sed -i s/a/b/ f
sed s/a/b/w f
sed -n 1,5w\ out f
awk 'BEGIN { system("rm x") }'
awk '{print > "out"}' f
awk -f script f
sort -o out in
sort --output=out in
sort --compress-program=rm in
uniq in out
tree -o out
rg --pre rm x
file -C -m magic
date -s 2020-01-01
date 010100002020
git commit -m x
git status; git push
git log --output=x
git diff --ext-diff
git grep -Oless x
git branch new
git branch -D old
git tag v1
git stash
git -c core.pager=rm log
git --exec-path=. log
git config x y
cat /dev/tty
cat /dev/random
head -c 5 /proc/self/mem
tr a b < in
python x.py
make
make version
npm --version --x
pytest
curl http://example.org
\rm x
'rm' x
r''m x
ls |
| ls
ls ;; ls
ls 'open
ls "open
$'ls'
ls !x
ls {a,b}
printf -v x y
*
find * -name x
""".strip().splitlines()


@pytest.mark.parametrize("line", READS)
def test_lines_of_readers_may_be_run(line: str) -> None:
    """A line of known readers reads and no more."""
    assert shell_effect(line) in (Effect.LOCAL_READ, Effect.PURE)


@pytest.mark.parametrize("line", WRITES)
def test_anything_else_is_a_write(line: str) -> None:
    """One command that is not known to read, or one construct that is not understood, makes the line a write."""
    assert shell_effect(line) is Effect.WRITE


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("joint", [" | ", " && ", " || ", "; ", "\n"])
def test_a_pipeline_is_as_unsafe_as_its_worst_part(read: str, joint: str) -> None:
    """A write before or after a reader makes the whole a write, however the two are joined."""
    assert shell_effect(f"{read}{joint}rm x") is Effect.WRITE
    assert shell_effect(f"rm x{joint}{read}") is Effect.WRITE


def test_reads_that_lock_or_never_end_are_not_run_early() -> None:
    """``git status`` takes a lock that a commit needs, and ``tail -f`` never ends: real, they read; early, never."""
    for line in ("git status", "git diff HEAD", "tail -f log"):
        assert shell_effect(line) is Effect.LOCAL_READ
        assert shell_effect(line, early=True) is Effect.WRITE
    assert shell_effect("tail -n 5 log", early=True) is Effect.LOCAL_READ


def test_words_that_no_file_can_change_are_pure() -> None:
    """``echo hi`` says the same for ever; a glob or a home directory looks at the disk."""
    assert shell_effect("echo hi && true") is Effect.PURE
    assert shell_effect("echo src/*.py") is Effect.LOCAL_READ
    assert shell_effect("echo ~") is Effect.LOCAL_READ


def test_a_command_as_a_list_of_words_is_not_expanded() -> None:
    """A list is what the program gets, unless it starts a shell with a line of its own."""
    assert shell_effect(["cat", "$(rm x)"]) is Effect.LOCAL_READ
    assert shell_effect(["bash", "-lc", "cat a | head"]) is Effect.LOCAL_READ
    assert shell_effect(["bash", "-lc", "rm x"]) is Effect.WRITE
    assert shell_effect(["bash", "-c", "ls", "x"]) is Effect.WRITE
    assert shell_effect(["rm", "x"]) is Effect.WRITE


@pytest.mark.parametrize("line", [None, 5, "", "   ", [], [1], {"a": 1}, "ls " * 5_000, "#only a comment"])
def test_what_is_no_command_is_a_write(line: object) -> None:
    """Arguments of another type, empty ones and endless ones are not understood."""
    assert shell_effect(line) is Effect.WRITE


def test_a_line_that_was_judged_before_is_judged_alike() -> None:
    """What is remembered of a line is kept apart for early calls and real ones."""
    asked = [shell_effect("git status", early=early) for early in (False, True, False, True)]
    assert asked == [Effect.LOCAL_READ, Effect.WRITE, Effect.LOCAL_READ, Effect.WRITE]


def test_comments_say_nothing() -> None:
    """A comment is skipped up to the end of its line, not further."""
    assert shell_effect("# list\nls # rm x") is Effect.LOCAL_READ
    assert shell_effect("ls # list\nrm x") is Effect.WRITE


_DANGEROUS = {
    "command_substitution",
    "process_substitution",
    "expansion",
    "simple_expansion",
    "arithmetic_expansion",
    "variable_assignment",
    "heredoc_redirect",
    "herestring_redirect",
    "subshell",
    "compound_statement",
    "function_definition",
    "if_statement",
    "for_statement",
    "while_statement",
    "negated_command",
}


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "ls",
                "cat",
                "a",
                "-n",
                "'q r'",
                '"d e"',
                "$X",
                "$(rm x)",
                "`rm`",
                ">",
                ">>",
                "<",
                "2>/dev/null",
                "2>&1",
                "|",
                "||",
                "&&",
                ";",
                "&",
                "\n",
                "(",
                ")",
                "{",
                "}",
                "#",
                "*",
                "\\",
                "'",
                '"',
                "=",
                "A=1",
                "!",
                "if",
                "<<E",
            ]
        ),
        max_size=8,
    ),
    st.sampled_from([" ", ""]),
)
def test_what_is_understood_is_what_a_full_parser_sees(pieces: list[str], joint: str) -> None:
    """Whenever a line is understood, a full grammar of bash finds the same commands and nothing that expands."""
    line = "ls " + joint.join(pieces)
    commands = parsed(line)
    if shell_effect(line) is Effect.WRITE:
        return
    tree = _BASH.parse(line.encode()).root_node
    assume(not tree.has_error)
    kinds = [node.type for node in _nodes(tree)]
    assert not _DANGEROUS & set(kinds)
    tests = sum(kind in ("command", "test_command") for kind in kinds)
    assert tests == len(commands or [])
