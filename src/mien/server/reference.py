"""``/openapi.json`` and ``/docs``: what the service answers, for programs and for people. The page has no script, and its
style inside: it loads nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse

from mien.reports.page import stylesheet
from mien.server.proxy import prefix

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

_FIELD = re.compile(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)
"""A field in the docstring of a class."""


def reference(app: FastAPI) -> APIRouter:
    """The routes.

    Args:
        app: What is described.
    """
    router = APIRouter(include_in_schema=False)

    document = cache(lambda: _told_by_field(app.openapi()))

    @router.get("/openapi.json")
    def read_document(request: Request) -> JSONResponse:
        place = prefix(request)
        return JSONResponse({**document(), **({"servers": [{"url": place}]} if place else {})})

    @router.get("/docs")
    def read_page() -> HTMLResponse:
        return HTMLResponse(_page(json.dumps(document())), headers=_HEADERS)

    return router


def _told_by_field(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what docstrings say of each field at that field."""
    for schema in document["components"]["schemas"].values():
        about, _, fields = schema.get("description", "").partition("\n\nArgs:\n")
        schema["description"] = about
        for name, told in _FIELD.findall(fields):
            if name in schema.get("properties", {}):
                schema["properties"][name]["description"] = " ".join(told.split())
    return document


@lru_cache(maxsize=4)
def _page(text: str) -> str:
    """A document of OpenAPI as a page."""
    document = json.loads(text)
    info = document["info"]
    operations = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    contents = "".join(
        f'<li><a href="#{operation["operationId"]}"><code>{method.upper()} {escape(path)}</code></a></li>'
        for method, path, operation in operations
    )
    schemas = document["components"]["schemas"]
    sections = [_operation(*one, schemas) for one in operations]
    sections += [_schema(name, schema) for name, schema in schemas.items()]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>mien: the service</title><style>{_STYLE}</style></head><body>"
        f'<header><p class="brand">mien {escape(info["version"])}</p><h1>The service</h1>'
        f'<div class="note">{_prose(info["description"])}'
        '<p>The same for programs: <a href="openapi.json">openapi.json</a>.</p></div></header>'
        f"<main><section><ul>{contents}</ul></section>{''.join(sections)}</main></body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    known = (
        "<p>Needs a token: <code>Authorization: Bearer TOKEN</code>.</p>" if "security" in operation else ""
    )
    return (
        f'<section id="{operation["operationId"]}"><h2><code>{method.upper()} {escape(path)}</code></h2>'
        f"{_prose(operation['description'])}{known}{_parameters(operation)}{_bodies(operation)}"
        f"<h3>Answers</h3><table>{''.join(_answers(operation))}</table>{_example(operation, schemas)}</section>"
    )


def _parameters(operation: dict[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{_type(one['schema'])}</td><td>{_inline(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", ())
    ]
    return f"<h3>In the address</h3><table>{''.join(rows)}</table>" if rows else ""


def _bodies(operation: dict[str, Any]) -> str:
    found: dict[str, list[str]] = {}
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        shown = (
            f"<pre>{escape(json.dumps(content['example'], indent=2))}</pre>" if "example" in content else ""
        )
        found.setdefault(_fields(content["schema"]) + shown, []).append(f"<code>{escape(kind)}</code>")
    return "".join(f"<h3>Body: {', '.join(kinds)}</h3>{fields}" for fields, kinds in found.items())


def _answers(operation: dict[str, Any]) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        kinds = [
            f"<code>{escape(kind)}</code> {_type(content.get('schema', {}))}"
            for kind, content in answer.get("content", {}).items()
        ]
        yield f"<tr><td><code>{status}</code></td><td>{_inline(answer['description'])}</td><td>{'<br>'.join(kinds)}</td></tr>"


def _example(operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    for status, answer in operation["responses"].items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        example = schemas.get(_name(schema), {}).get("example")
        if status < "300" and example is not None:
            return f"<h3>Such as</h3><pre>{escape(json.dumps(example, indent=2))}</pre>"
    return ""


def _schema(name: str, schema: dict[str, Any]) -> str:
    about = _prose(schema.get("description", ""))
    return f'<section id="{name}"><h2>{name}</h2>{about}{_fields(schema)}</section>'


def _fields(schema: dict[str, Any]) -> str:
    if "properties" not in schema:
        return f"<p>{_type(schema)}</p>"
    rows = [
        f"<tr><td><code>{escape(name)}</code></td><td>{_type(field)}</td><td>{_inline(field.get('description', ''))}</td></tr>"
        for name, field in schema["properties"].items()
    ]
    return f"<table>{''.join(rows)}</table>"


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
