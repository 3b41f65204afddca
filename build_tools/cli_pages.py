"""``python -m build_tools.cli_pages``: the pages of docs/cli, one for each command, from what the program says of itself.

A page has what ``mien COMMAND --help`` has, in the same words: what the command is for, its example, arguments, options in
their groups with defaults, exit statuses. Only the guides that it leads to are named here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from html import escape
from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from mien.cli.app import app

DOCS = Path(__file__).resolve().parents[1] / "docs"
CLI = DOCS / "cli"
GUIDES = {
    "analyze": ("start/first-image.md", "start/first-video.md", "video.md", "landmarks.md", "output.md"),
    "batch": ("batch.md", "scale.md"),
    "audience": ("guides/meetings.md", "audience.md"),
    "people": ("people.md", "concepts/people.md"),
    "watch": ("guides/live-events.md", "live.md", "lab.md"),
    "serve": ("guides/deploying.md", "page.md", "service.md", "access.md"),
    "mcp": ("mcp.md",),
    "web": ("element.md",),
    "evaluate": ("guides/judging-a-model.md", "evaluation.md"),
    "score": ("clips.md",),
    "agree": ("agreement.md",),
    "explain": ("explain.md",),
    "train": ("guides/own-classes.md", "training.md"),
    "reproduce": ("reproduction.md",),
    "doctor": ("install.md", "platforms.md"),
    "study": ("start/first-study.md", "guides/interviews.md", "studies.md"),
    "rules": ("guides/photo-booth.md", "guides/smart-home.md", "triggers.md"),
    "data": ("data.md",),
    "models": ("networks.md", "accuracy.md", "own-models.md", "how-trained.md"),
}
"""Pages of docs/ that say how a command is used, the first one to begin with."""

OTHERS = "Options"
"""What a group without a name is called, as in ``--help``."""


def pages() -> dict[Path, str]:
    """All pages, by their files."""
    root = typer.main.get_command(app)
    commands = _commands(root)
    return {CLI / "README.md": index(root, commands)} | {
        CLI / f"{name}.md": page(name, command) for name, command in commands.items()
    }


def _commands(group: Any) -> dict[str, Any]:
    """The commands of a group, in the order of ``--help``; none of what is no group."""
    return dict(getattr(group, "commands", {}))


def index(root: Any, commands: dict[str, Any]) -> str:
    """The page with a line for each command."""
    groups: dict[str, list[str]] = {}
    for name, command in commands.items():
        inner = "".join(f", [`{below}`]({name}.md#mien-{name}-{below})" for below in _commands(command))
        line = f"| [mien {name}]({name}.md){inner.replace(',', ':', 1)} | {prose(_paragraphs(command)[0])} |"
        groups.setdefault(command.rich_help_panel, []).append(line)
    tables = "\n\n".join(
        f"## {heading.partition(',')[0]}\n\n| command | what it does |\n|---|---|\n" + "\n".join(lines)
        for heading, lines in groups.items()
    )
    own = "\n\n".join(_tables(root, without=()))
    return f"""# Command line

What you get: every command with all of its options, defaults, an example and exit statuses, in the words of `mien COMMAND --help`.

{tables}

## All commands

```text
mien [OPTIONS] COMMAND ...
```

{own}

## Exit statuses

The same for every command: [exit statuses](../output.md#exit-statuses).
"""


def page(name: str, command: Any) -> str:
    """A command's page; a group's has its commands one below the other."""
    inner = _commands(command)
    guides = ", ".join(f"[{title(guide)}](../{guide})" for guide in GUIDES[name])
    begin = f"# mien {name}\n\n{prose(_paragraphs(command)[0])}\n\nHow it is used: {guides}."
    if not inner:
        return "\n\n".join([begin, *_sections(f"mien {name}", command)]) + "\n"
    lines = "\n".join(
        f"- [`mien {name} {below}`](#mien-{name}-{below}): {prose(_paragraphs(each)[0])}"
        for below, each in inner.items()
    )
    parts = [begin, lines]
    for below, each in inner.items():
        path = f"mien {name} {below}"
        parts += [f"## {path}", prose(_paragraphs(each)[0]), *_sections(path, each)]
    return "\n\n".join(parts) + "\n"


def title(guide: str) -> str:
    """The heading of a page, as the text of a link."""
    first = (DOCS / guide).read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("# ")


def _paragraphs(command: Any) -> list[str]:
    return [Text.from_markup(paragraph).plain for paragraph in (command.help or "").split("\n\n")]


def _sections(path: str, command: Any) -> Iterator[str]:
    """What is below a command's first sentence."""
    _, *texts = _paragraphs(command)
    told, status, example = [], "", ""
    for text in texts:
        words, _, end = text.partition("Exit status: ")
        status = end or status
        if text.startswith("Example: "):
            example = text.removeprefix("Example: ")
        elif words:
            told.append(prose(words.strip()))
    context = typer.Context(command, info_name=path)
    usage = " ".join([path, *(_bare(piece) for piece in command.collect_usage_pieces(context))])
    yield f"```console\n$ {example}\n```"
    yield from told
    yield f"```text\n{usage}\n```"
    yield from _tables(command)
    status = status or "0 when it is done, 2 when the command line asks for something impossible."
    yield f"**Exit status**: {prose(status)} [All statuses](../output.md#exit-statuses)."


def _bare(piece: str) -> str:
    """A piece of the usage without Typer's own brackets.

    >>> [_bare(piece) for piece in ("[OPTIONS]", "{PATH...}...", "[[NAME...]]...", "[[CORRECTIONS.csv]]", "{MODEL}...")]
    ['[OPTIONS]', 'PATH...', '[NAME...]', '[CORRECTIONS.csv]', 'MODEL...']
    """
    piece = piece.replace("[[", "[").replace("]]", "]").strip() if piece.startswith("[[") else piece
    return re.sub(r"\.\.\.(\]?)\.\.\.$", r"...\1", piece.replace("{", "").replace("}", ""))


def _tables(command: Any, without: Collection[str] = ("--help",)) -> Iterator[str]:
    """Arguments, then options in their groups, in the order of ``--help``."""
    context = typer.Context(command)
    rows: dict[str, list[str]] = {}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[0] not in without:
            name, said = record
            group = getattr(parameter, "rich_help_panel", None) or OTHERS
            if parameter.param_type_name == "argument":
                group, name = "Arguments", re.sub(r" <[^|>]+>$", "", name)
            rows.setdefault(group, []).append(row(name, said))
    for group in sorted(rows, key=lambda group: (group != "Arguments", group != OTHERS)):
        yield f"| {group} | what it is | default |\n|---|---|---|\n" + "\n".join(rows[group])


def row(name: str, said: str) -> str:
    r"""An argument's or option's row, from what Typer would print of it.

    >>> row("--workers <int range>", r"How many, of mien\[ray]; one for each core.  [default: 1; 1<=x<=64]")
    '| `--workers <int>` | How many, of mien[ray]; one for each core. 1 to 64. | `1` |'
    >>> row("--format <table|json>", "What is printed.")
    '| <code>--format &lt;table&#124;json&gt;</code> | What is printed. | |'
    """
    text, facts = re.fullmatch(r"(.*?)(?:  \[([^\[\]]*(?:\[\])?)\])?", said, re.DOTALL).groups()  # type: ignore[union-attr]
    default, bounds = "", ""
    for fact in (facts or "").split("; "):
        if fact.startswith("default: "):
            default = code(fact.removeprefix("default: "))
        elif fact == "required":
            default = "required"
        elif fact:
            bounds = f" {_range(fact)}"
    name = re.sub(
        r"<(?:list\[)?(\w+)(?: range)?\]?>", lambda kind: f"<{kind[1].lower().replace('str', 'text')}>", name
    )
    cells = (code(name), prose(Text.from_markup(text).plain) + bounds, default)
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _range(fact: str) -> str:
    """Bounds in words.

    >>> _range("x>=1"), _range("0<=x<=1"), _range("x<=9")
    ('1 or more.', '0 to 1.', '9 at most.')
    """
    low, _, high = fact.partition("<=x<=")
    if high:
        return f"{low} to {high}."
    return f"{fact.removeprefix('x>=')} or more." if fact.startswith("x>=") else f"{fact[3:]} at most."


def code(text: str) -> str:
    """Code that may stand in a table's cell."""
    return f"`{text}`" if "|" not in text else f"<code>{escape(text).replace('|', '&#124;')}</code>"


def prose(text: str) -> str:
    r"""Plain words as Markdown, with links to the pages that they name.

    >>> prose("patterns (*.jpg), <mien-camera>: docs/clips.md")
    'patterns (\\*.jpg), &lt;mien-camera>: [Clips](../clips.md)'
    """
    text = text.replace("<", "&lt;").replace("*", r"\*").replace("|", r"\|")
    return re.sub(r"\bdocs/([\w-]+\.md)", lambda page: f"[{title(page[1])}](../{page[1]})", text)


if __name__ == "__main__":
    CLI.mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
