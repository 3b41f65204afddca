"""``/openapi.json`` and ``/docs``: what the service answers, for programs and for people. The page has no script, and its
style inside: it loads nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from mien.reports.page import stylesheet
from mien.server.choices import Choices
from mien.server.document import EXAMPLE_ADDRESS, described_fields
from mien.server.proxy import prefix
from mien.server.schemas import READER

_STYLE = (
    stylesheet()
    + """
h2 code { font-size: 1rem; }
h3 { margin: .8rem 0 .2rem; font-size: .95rem; }
td, th { text-align: left; vertical-align: top; padding: .15rem .8rem .15rem 0; }
pre { overflow-x: auto; background: var(--nobody); padding: .6rem; border-radius: 6px; }
"""
)
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

_READ = tuple(READER)
_CHOICES = tuple(Choices.model_fields)
_MAY_CHOOSE = 'what a client <a href="#choices">may choose</a>'
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?")
_WIDE = 96
"""Letters of a line of an example."""


def reference(app: FastAPI) -> APIRouter:
    """The routes.

    Args:
        app: What is described.
    """
    router = APIRouter(include_in_schema=False)

    document = cache(lambda: _told_by_field(app.openapi()))

    @router.get("/openapi.json")
    def read_document(request: Request) -> Response:
        place = prefix(request)
        told = json.dumps({**document(), **({"servers": [{"url": place}]} if place else {})})
        address = json.dumps(_asked_address(request))[1:-1]
        return Response(told.replace(EXAMPLE_ADDRESS, address), media_type="application/json")

    @router.get("/docs")
    def read_page(request: Request) -> HTMLResponse:
        page = _page(json.dumps(document())).replace(EXAMPLE_ADDRESS, escape(_asked_address(request)))
        return HTMLResponse(page, headers=_HEADERS)

    return router


def _asked_address(request: Request) -> str:
    """The address of the service where this client sees it, for commands that run in a shell."""
    host = request.headers.get("host", "")
    secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
    whole = f"{'https' if secure else 'http'}://{host}"
    return f"{whole if _HOST.fullmatch(host) else EXAMPLE_ADDRESS}{prefix(request)}"


def _told_by_field(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what docstrings say of each field at that field."""
    for schema in document["components"]["schemas"].values():
        about = schema.get("description", "")
        schema["description"] = about.partition("\n\nArgs:\n")[0]
        for name, told in described_fields(about).items():
            if name in schema.get("properties", {}):
                schema["properties"][name]["description"] = told
    return document


@lru_cache(maxsize=4)
def _page(text: str) -> str:
    """A document of OpenAPI as a page: what several requests have in common stands there once."""
    document = json.loads(text)
    info = document["info"]
    operations = [
        _Operation(method, path, told)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    ]
    contents = "".join(one.line() for one in operations)
    schemas = document["components"]["schemas"]
    examples = {name: schema["example"] for name, schema in schemas.items() if "example" in schema}
    sections = [
        _shared(operations, schemas),
        *(one.section(examples) for one in operations),
        *(_schema(name, schema) for name, schema in schemas.items()),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>mien: the service</title><style>{_STYLE}</style></head><body>"
        f'<header><p class="brand">mien {escape(info["version"])}</p><h1>The service</h1>'
        f'<div class="note">{_prose(info["description"])}'
        '<p>The same for programs: <a href="openapi.json">openapi.json</a>.</p></div></header>'
        f"<main><section><h2>Requests</h2><ul>{contents}</ul></section>{''.join(sections)}</main></body></html>"
    )


@dataclass(frozen=True)
class _Operation:
    """What can be asked for, and how it is told."""

    method: str
    path: str
    told: dict[str, Any]

    @property
    def errors(self) -> dict[str, str]:
        """When each error is answered, by its status."""
        answers = self.told["responses"].items()
        return {status: answer["description"] for status, answer in answers if status >= "400"}

    def line(self) -> str:
        """In the list of all."""
        return f'<li><a href="#{self.told["operationId"]}">{self._name}</a></li>'

    def section(self, examples: dict[str, Any]) -> str:
        """All of it.

        Args:
            examples: Of types, by their names; the one that is shown is taken out.
        """
        return (
            f'<section id="{self.told["operationId"]}"><h2>{self._name}</h2>{_prose(self.told["description"])}'
            f"{_parameters(self.told)}{_bodies(self.told)}{self._answer(examples)}</section>"
        )

    @property
    def _name(self) -> str:
        return f"<code>{self.method.upper()} {escape(self.path)}</code>"

    def _answer(self, examples: dict[str, Any]) -> str:
        [(status, answer)] = [one for one in self.told["responses"].items() if one[0] < "400"]
        content = answer.get("content", {})
        kinds = ", ".join(f"<code>{escape(kind)}</code>" for kind in content) or "nothing"
        types = dict.fromkeys(_type(told["schema"]) for told in content.values() if told.get("schema"))
        named = " or ".join(kind for kind in types if kind.startswith("<a"))
        rest = [f'Errors: {", ".join(self.errors)} (<a href="#errors">when</a>).']
        if "security" in self.told:
            rest.append("Needs a token, where the service has one.")
        commands = [one["source"] for one in self.told.get("x-codeSamples", ())]
        shown = examples.pop(_name(content.get("application/json", {}).get("schema", {})), None)
        return (
            f"<p>Answer: <code>{status}</code>, {named or kinds}. {' '.join(rest)}</p>"
            + "".join(f'<pre tabindex="0">$ {escape(source)}</pre>' for source in commands)
            + ("" if shown is None else f'<pre tabindex="0">{escape(_indented(shown))}</pre>')
        )


def _shared(operations: Sequence[_Operation], schemas: dict[str, Any]) -> str:
    """What several requests have in common."""
    choices = next(one for one in operations if one.told["operationId"] == "read_images").told["parameters"]
    errors = {status: when for one in operations for status, when in one.errors.items()}
    when = "".join(
        f"<tr><td><code>{status}</code></td><td>{_inline(errors[status])}</td></tr>"
        for status in sorted(errors)
    )
    read = {name: schemas["Images"]["properties"][name] for name in _READ}
    return (
        '<section id="choices"><h2>What a client may choose</h2>'
        "<p>In the address, as fields of a form, or in JSON. What is left out is as the service was started.</p>"
        f"{_rows(_parameter_rows(choices))}</section>"
        '<section id="read"><h2>What read</h2><p>Every answer with results begins with this.</p>'
        f"{_rows(_field_rows(read))}</section>"
        '<section id="errors"><h2>Errors</h2><p>Each one is a <a href="#Problem">Problem</a> in JSON, which says what was '
        "expected, what came and what to do. Where the service has a token, it is asked for as "
        f"<code>Authorization: Bearer TOKEN</code>.</p><table>{when}</table></section>"
    )


def _parameters(told: dict[str, Any]) -> str:
    given = told.get("parameters", ())
    own = [one for one in given if one["name"] not in _CHOICES]
    shared = f"<p>In the address: {_MAY_CHOOSE}.</p>" if len(own) < len(given) else ""
    return (f"<h3>In the address</h3>{_rows(_parameter_rows(own))}" if own else "") + shared


def _bodies(told: dict[str, Any]) -> str:
    found: dict[str, list[str]] = {}
    for kind, content in told.get("requestBody", {}).get("content", {}).items():
        example = content.get("example")
        shown = "" if example is None else f'<pre tabindex="0">{escape(_indented(example))}</pre>'
        found.setdefault(_fields(content["schema"]) + shown, []).append(f"<code>{escape(kind)}</code>")
    return "".join(f"<h3>Body: {', '.join(kinds)}</h3>{fields}" for fields, kinds in found.items())


def _schema(name: str, schema: dict[str, Any]) -> str:
    about = _prose(schema.get("description", ""))
    return f'<section id="{name}"><h2>{name}</h2>{about}{_fields(schema)}</section>'


def _fields(schema: dict[str, Any]) -> str:
    """Fields, without those that are told of for all."""
    if "properties" not in schema:
        return f"<p>{_type(schema)}</p>"
    fields = dict(schema["properties"])
    before = after = ""
    if fields.keys() >= {*_READ}:
        before = '<p>It begins with <a href="#read">what read</a>.</p>'
        fields = {name: field for name, field in fields.items() if name not in _READ}
    if shared := [name for name in fields if name in _CHOICES]:
        without = [name for name in _CHOICES if name not in shared]
        but = f", but for <code>{', '.join(without)}</code>" if without else ""
        after = f"<p>And {_MAY_CHOOSE}{but}.</p>"
        fields = {name: field for name, field in fields.items() if name not in _CHOICES}
    return f"{before}{_rows(_field_rows(fields))}{after}"


def _field_rows(fields: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    for name, field in fields.items():
        yield name, field, field.get("description", "")


def _parameter_rows(parameters: Iterable[dict[str, Any]]) -> Iterator[tuple[str, Any, str]]:
    for one in parameters:
        yield one["name"], one["schema"], one.get("description", "")


def _rows(rows: Iterable[tuple[str, Any, str]]) -> str:
    """A table of names, what their values are, and what they mean."""
    cells = (
        f"<tr><td><code>{escape(name)}</code></td><td>{_type(kind)}</td><td>{_inline(about)}</td></tr>"
        for name, kind, about in rows
    )
    return f"<table>{''.join(cells)}</table>"


def _indented(value: Any, depth: int = 0) -> str:
    """JSON with as much in a line as fits.

    >>> print(_indented({"size": [3, 4], "name": "a" * 80, "time": 0.5, "track": 1}))
    {
      "size": [3, 4],
      "name": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "time": 0.5, "track": 1
    }
    """
    text = json.dumps(value, ensure_ascii=False)
    if len(text) + 2 * depth <= _WIDE or not isinstance(value, dict | list):
        return text
    keys = [f"{json.dumps(name)}: " for name in value] if isinstance(value, dict) else [""] * len(value)
    ones = value.values() if isinstance(value, dict) else value
    lines = [""]
    for key, one in zip(keys, ones, strict=True):
        part = f"{key}{_indented(one, depth + 1)},"
        if lines[-1] and len(lines[-1]) + len(part) + 2 * depth < _WIDE and not isinstance(one, dict | list):
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    inner, (start, end) = "\n" + "  " * (depth + 1), "{}" if isinstance(value, dict) else "[]"
    return f"{start}{inner.join(lines)[:-1]}\n{'  ' * depth}{end}"


def _type(schema: dict[str, Any]) -> str:
    """What a value is, in a few words."""
    if name := _name(schema):
        return f'<a href="#{name}">{name}</a>'
    if options := schema.get("anyOf"):
        return " or ".join(_type(option) for option in options)
    if "enum" in schema or "const" in schema:
        return ", ".join(
            f"<code>{escape(str(one))}</code>" for one in schema.get("enum", [schema.get("const")])
        )
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape({"binary": "bytes", "byte": "base64"}.get(schema.get("format", ""), str(kind)))


def _name(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _prose(text: str) -> str:
    """Paragraphs; what docstrings say of fields is told in tables as it is."""
    return "".join(f"<p>{_inline(part)}</p>" for part in re.split(r"\n\s*\n", text.strip()) if part)


def _inline(text: str) -> str:
    """Escaped, with code in backticks."""
    return re.sub(r"`+([^`]+)`+", r"<code>\1</code>", escape(text))
