"""``mien rules new``, ``mien rules check`` and ``mien rules run``."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from mien.cli.console import Console, say
from mien.cli.exits import PART_NOT_READ, USAGE, Interrupted
from mien.cli.option_values import valences
from mien.cli.options import NetworkOptions, SourceOptions, StreamFormat, StreamOptions, grouped
from mien.core.formatting import counted
from mien.core.names import json_text

if TYPE_CHECKING:
    from mien.inference.pipeline import Pipeline
    from mien.media.live import LiveOptions
    from mien.rules.engine import RuleEvent
    from mien.rules.rule_file import RuleSet
    from mien.rules.runner import RunOptions
    from mien.tracking.session import Session

rules = typer.Typer(
    name="rules",
    help="Act on what faces show: take a photo, call a webhook, send MQTT, start a program.",
    no_args_is_help=True,
)


@rules.command()
def new(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[TEMPLATE]", help="Which; without, they are listed.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="The file; TEMPLATE.toml here by default.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a file of rules to begin with: a photo booth, one that waits for open eyes, a light, a doorbell, a message.

    A file that is there is not overwritten.

    Example: mien rules new photo-booth -o rules.toml
    """
    from mien.core.atomic import translate_os_errors
    from mien.core.errors import InputError
    from mien.rules.templates import about, template, template_names

    if name is None:
        for known in template_names():
            say(f"{known:12} {about(known)}")
        say("write one: mien rules new TEMPLATE")
        return
    text, file = template(name), output or Path(f"{name}.toml")
    if file.exists():
        raise InputError(
            f"{file}: expected the name of a new file; it is there already: name another one with -o"
        )
    with translate_os_errors(file), open(file, "x", encoding="utf-8", newline="\n") as new_file:
        new_file.write(text.replace("THIS_FILE", str(file)))
    say(f"{file}: {about(name)}")
    say(f"next: mien rules check {file}")


@rules.command("run")
@grouped
def run(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="camera:0, rtsp://..., http://..., screen:, or live:VIDEO; with --dry-run also a video.",
            show_default=False,
        ),
    ],
    rules: Annotated[
        Path,
        typer.Option(
            "--rules", metavar="FILE", help="Rules and actions, TOML (docs/triggers.md).", show_default=False
        ),
    ],
    over_time: StreamOptions,
    opening: SourceOptions,
    networks: NetworkOptions,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do nothing: print what would have fired, and when.")
    ] = False,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Add a JSON line to a file for every event.", show_default=False),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option("--duration", metavar="SECONDS", help="Stop after so many seconds.", show_default=False),
    ] = None,
    form: Annotated[
        StreamFormat, typer.Option("--format", help="A line for people, or a JSON object, per event.")
    ] = StreamFormat.text,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No remarks; errors still show.")] = False,
) -> None:
    """Act on what faces show: photos, webhooks, MQTT with Home Assistant, programs, by rules in a file.

    Each event goes to standard output as a line, remarks go to standard error. A source that is lost is
    opened again until it is back; an action that fails is tried again and never holds up the rest. Ctrl-C
    ends it. The rules are checked before anything starts; landmarks are found where a rule asks for a measure.

    Exit status: 0, 3 when something was not delivered (the last line says how much), 1 when the source cannot be opened.

    Example: mien rules run camera:0 --rules rules.toml
    """
    # Here, not above: `mien --help` should not wait for the networks' library.
    from mien.core.errors import InputError
    from mien.core.masking import source_name
    from mien.core.output_names import refuse_sources
    from mien.media.live import Address, is_live
    from mien.rules.runner import RunOptions, replay
    from mien.tracking.options import Tracking
    from mien.tracking.session import Session

    notes = Console(stderr=True, soft_wrap=True, quiet=quiet)
    refuse_sources([] if log is None else [log], [rules, source.removeprefix("live:")], "--log")
    video_options = over_time.video_options()
    pipeline, found = _opened(rules, networks, notes, dry=dry_run)
    tracking = Tracking(cuts=not is_live(source) or Address.parse(source).cuts)
    session = Session(pipeline, tracking, video_options.smoothing)

    def tell(line: str) -> None:
        notes.print(line, style="dim")

    outcome = _Outcome()
    if is_live(source):
        doing = RunOptions(Address.parse(source).name, None if dry_run else log, tell=tell)
        events = _acted(
            _Live(source, opening.options(video_options.sampling), seconds),
            found.idling() if dry_run else found,
            session,
            doing,
            outcome,
        )
    elif dry_run:
        events = replay(source, found, session, replace(video_options, max_pixels=opening.max_pixels), tell)
    else:
        name = source_name(source)
        raise InputError(
            f"{name}: expected a live source; got a video: add --dry-run, or write live:{name} to act at its own pace"
        )
    started: set[str] = set()
    with suppress(Interrupted), closing(events):
        for event in events:
            started.add(event.rule)
            _show(event, form)
    if dry_run and (never := [rule.name for rule in found.rules if rule.name not in started]):
        notes.print(f"never started: {', '.join(never)}", style="dim")
    if outcome.lost:
        told = counted(outcome.lost, "event was", "events were")
        Console(stderr=True, soft_wrap=True).print(f"{told} not delivered")
        raise typer.Exit(PART_NOT_READ)


def _opened(rules: Path, networks: NetworkOptions, notes: Console, *, dry: bool) -> tuple[Pipeline, RuleSet]:
    """The models and the rules, of which it depends whether landmarks are found."""
    from mien.rules.rule_file import read_rules

    pipeline = networks.pipeline()
    found = read_rules(rules, pipeline.labels, dry=dry)
    if found.measures and not networks.landmarks:
        pipeline = replace(networks, landmarks=True).pipeline()
        notes.print(f"{rules}: landmarks are found, for {', '.join(found.measures)}", style="dim")
    for name in found.idle:
        notes.print(f"{rules}: no rule does {name}", style="dim")
    return pipeline, found


class _Live(NamedTuple):
    """A live source, how it is opened, and for how many seconds it is read."""

    source: str
    options: LiveOptions
    seconds: float | None


@dataclass
class _Outcome:
    """What came of a run, known at its end: how many deliveries of events to actions were lost."""

    lost: int = 0


def _acted(
    live: _Live, rules: RuleSet, session: Session, doing: RunOptions, outcome: _Outcome
) -> Generator[RuleEvent]:
    """Events of a live source, whose actions are on their way."""
    from mien.media.live import open_live
    from mien.rules.runner import RuleRunner
    from mien.video.live import watch

    with (  # Actions make folders and connections: not where there is no camera.
        open_live(live.source, live.options, doing.tell) as source,
        RuleRunner(rules, session.labels, options=doing) as actor,
    ):
        try:
            for frame, faces, _ in watch(source, session, live.seconds):
                yield from actor.update(frame, faces)
        finally:
            outcome.lost = actor.close()


def _show(event: RuleEvent, form: StreamFormat) -> None:
    """Write an event to standard output as soon as it is there."""
    from mien.core.labels import NOTICE

    if form is StreamFormat.jsonl:
        line = json_text({**asdict(event), "time": round(event.time, 6), "notice": NOTICE}, sys.stdout)
    else:
        values = ", ".join(
            f"{what} ({'none' if value is None else f'{value:g}'})" for what, value in event.values.items()
        )
        line = f"{event.time:9.2f} s  {event.kind:5}  {event.rule}  {values}"
    say(line)


@rules.command()
def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Rules and actions, TOML.", show_default=False)
    ],
    model: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="The model whose expressions the rules may name.")
    ] = "small-int8",
    head: Annotated[str | None, typer.Option(help="Which output head.", show_default=False)] = None,
    valence: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=NUMBER,...",
            help="How pleasant expressions are, as for mien rules run.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check a file of rules: every mistake with file, line, column and what to do; or what the rules mean, in
    words.

    Nothing is started. What this computer lacks for it, such as a program, is a remark on standard error: the file may
    be for another computer. Exit status: 0, or 2 when something in the file is wrong.

    Example: mien rules check rules.toml
    """
    from mien.inference.pipeline import Pipeline
    from mien.rules.rule_file import check_rules
    from mien.rules.words import rule_in_words

    labels = Pipeline("whole", model, head=head, valence=valences(valence)).labels
    checked = check_rules(file, labels)
    for line in checked.mistakes:
        say(line)
    if checked.obstacles:
        notes = Console(stderr=True, soft_wrap=True)
        notes.print("on this computer mien rules run would refuse:", style="dim")
        for line in checked.obstacles:
            notes.print(line, style="dim")
    if (found := checked.rules) is None:
        raise typer.Exit(USAGE)
    for rule in found.rules:
        say(rule.name)
        for line in rule_in_words(rule):
            say(f"  {line}")
        for name in rule.do:
            say(f"  does {name}: {found.actions[name].in_words()}")
        if not rule.do:
            say("  does nothing")
    for name in found.idle:
        say(f"no rule does {name}")
