"""What is shown of addresses: enough to tell cameras apart, nothing that opens one.

The rule, the same for every message, table, event, log and answer. Of
``scheme://user:password@host:port/path;parameters?query#fragment``

- what stands before the ``@`` of the host is ``***``, whatever signs are in it; a host that is none is
  ``***`` too, and so is all that follows the scheme where signs that should have been written with percent
  signs leave open what the host is;
- of query and parameters those are shown that say which image is wanted (``channel=2``,
  ``resolution=640x480``; `SHOWN` has all of them), and nothing else is, not even a name; so it is with
  ``name=value`` in the path;
- the path is shown, but for what follows a word such as ``token`` or ``hooks``, parts with other signs than
  those of names, and all but the first four characters of a part of 16 or more that looks random; of what
  lies in a store (``s3://``, ``gs://``, ...) the path is shown as it is;
- a fragment is ``***``.

A password that stands in a path as if it were a word of it cannot be known for one.
"""

from __future__ import annotations

import logging
import os
import re
from itertools import pairwise

MASK = "***"

SHOWN = re.compile(
    r"channel|channelid|channelno|chan|chn|ch|subtype|stream|streamid|streamno|streamtype|profile|profileid|camera|cameraid|camid|"
    r"cam|monitor|view|input|track|trackid|id|resolution|res|size|width|height|w|h|fps|framerate|rate|quality|codec|videocodec|"
    r"compression|format|bitrate|rotation|unicast|multicast|transport|transportmode|protocol|proto|port"
)
"""Names of a query whose values are shown: numbers, sizes and short words."""

_STORES = re.compile(
    r"s3|s3a|s3n|gs|gcs|az|adl|abfs|abfss|wasb|wasbs|hdfs|webhdfs|hf|file|local|memory|smb|oss|oci|dbfs|r2|b2|swift|github|git|"
    r"dropbox|gdrive|box|zip|tar|dvc|lakefs"
)
_CONTAINERS = re.compile("abfss?|wasbs?")
_CONTAINER = re.compile(
    r"([a-z0-9-]+)@[\w-]+\.(?:dfs|blob)\.[\w-]+\.[\w.-]+(?::\d{1,5})?(?=[/?#]|\Z)", re.ASCII
)
"""What stands before the @ where the host is one of Azure's: not a user."""
_NEXT = re.compile(
    r"key|keys|apikey|token|tokens|accesstoken|password|passwd|passwort|pass|pwd|pw|secret|secrets|sig|signature|jwt|session|"
    r"sessionid|sid|bearer|code|pin"
)
_REST = re.compile(r"hook|hooks|webhook|webhooks|services|login|auth|credentials")

_START = re.compile(r"(?:([A-Za-z][\w+.-]*)?:?//+)", re.ASCII)
_HOST = r"(?:\[[^\]\s/@]*\]|[\w.-]+)(?::\d{1,5})?(?=[/\\?#;]|\Z)"
_PLAUSIBLE, _SURE = (
    re.compile(_HOST),
    re.compile(rf"(?=\[|localhost\b|[\d.]+[:/\\?#;]|[\d.]+\Z|[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{{2,}}\b){_HOST}"),
)
_CHAIN = re.compile(r"(?:(?:zip|tar|libarchive)://[^@?:]*::|[a-z]+cache::)+(?=[a-z])")
_AUTHORITY = re.compile(r"[^/\\?#;]*")
_PATH = re.compile(r"[A-Za-z]:[\\/]|\.{0,2}/")
_NUMBER = re.compile(r"\d{1,5}(?:x\d{1,5})?", re.ASCII)
_WORD = re.compile(r"[\w.-]{1,16}")
_PART = re.compile(r"[\w.,+~ '!()\[\]*-]*")
_FILE = re.compile(r".*\.[A-Za-z]\w{1,3}", re.ASCII)
_IN_TEXT = re.compile(
    r"""(?<=')[A-Za-z][\w+.-]*://[^'\n]*(?=')|(?<=")[A-Za-z][\w+.-]*://[^"\n]*(?=")|"""
    r"""(?<![\w+.-])(?:[A-Za-z][\w+.-]*:|(?<![/\w.])(?=//[^\s/]*[:@]))//+(?:(?:(?!: )[^\n])*@)?[^\s'"<>]*""",
    re.ASCII,
)


def masked(address: str, *, meant: bool = False) -> str:
    """An address as it is shown; a text that is none comes back as it is.

    Args:
        address: What was given, rightly or wrongly spelled.
        meant: Whether an address was asked for, so that ``TOKEN@host`` without a scheme is one.

    >>> masked("rtsp://anna:s/3@cret@door.local:554/Streaming/Channels/101?user=anna&pwd=secret&channel=1")
    'rtsp://***@door.local:554/Streaming/Channels/101?channel=1&***'
    >>> masked("rtps:anna:secret@door.local/1"), masked("clip.mp4"), masked("secret@door.local", meant=True)
    ('***@door.local/1', 'clip.mp4', '***@door.local')
    >>> masked("s3://sec;ret@10.0.0.9/a"), masked("s3://bucket/a@b.jpg")
    ('s3://***@10.0.0.9/a', 's3://bucket/a@b.jpg')
    >>> masked("rtsp://10.0.0.9/cgi;token=sec/ret")
    'rtsp://10.0.0.9/cgi;***/***'
    """
    if chain := _CHAIN.match(address):  # As fsspec knows it: zip://*.jpg::https://...
        return chain[0] + masked(address[chain.end() :], meant=meant)
    start = _START.match(address)
    if start is not None:
        scheme = (start[1] or "").lower()
        return start[0] + _located(address[start.end() :], scheme)
    if _PATH.match(address):
        return address
    if "@" in address and (meant or ":" in address[: address.rindex("@")]):
        return _located(address, "")
    if re.search(r"\?.*=", address):
        return _pathed(address, "")
    return address


def origin(address: str) -> str:
    """Scheme, host and port of an address whose path is nobody's business, as that of a webhook.

    >>> origin("https://hooks.example.com/services/T000/B000/XXXX")
    'https://hooks.example.com'
    """
    start = _START.match(address)
    shown = _located(address[start.end() :] if start else address, "")
    host = _AUTHORITY.match(shown.removeprefix(f"{MASK}@"))
    return f"{start[0] if start else ''}{host[0] if host else MASK}"


def source_name(source: str) -> str:
    """What messages and tables call a source: a file by its path as given, all else as `masked` shows it.

    >>> source_name("rtsp://anna:secret@door.local/1")
    'rtsp://***@door.local/1'
    """
    shown = masked(source)
    return source if shown == source or _is_there(source) else shown


def masked_text(text: str) -> str:
    """A text, such as a message or a traceback, with every address in it masked; one that is not in quotation
    marks ends at the latest where a colon and a space follow, as they do in mien's messages.

    >>> masked_text("got: Connection refused: 'rtsp://anna:secret@door.local/1'")
    "got: Connection refused: 'rtsp://***@door.local/1'"
    """
    return _IN_TEXT.sub(_shown, text) if "//" in text else text


class Masks(logging.Filter):
    """Masks the addresses in what is logged, tracebacks too; a filter for a logger or a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = masked_text(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = masked_text(logging.Formatter().formatException(record.exc_info))
        return True


def _shown(found: re.Match[str]) -> str:
    address = found[0].rstrip(":;,.)")
    return masked(address) + found[0][len(address) :]


def _located(place: str, scheme: str) -> str:
    """What follows ``//``: user, host, and the rest."""
    found = _AUTHORITY.match(place)
    authority = found[0] if found else ""
    # A bucket ends at a slash alone: what looks like parameters or a query before it may be part of a password.
    if _STORES.fullmatch(scheme) and not set(place.partition("/")[0]) & set(":@"):
        return _pathed(
            place, scheme
        )  # Nothing stands before a bucket; what lies in it may have an @ in its name.
    begin = _host_begin(place, authority)
    if begin is None:
        return MASK
    container = (
        _CONTAINERS.fullmatch(scheme) and (found := _CONTAINER.match(place)) and found.end(1) + 1 == begin
    )
    return f"{place[:begin] if container else f'{MASK}@' if begin else ''}{_pathed(place[begin:], scheme)}"


def _host_begin(place: str, authority: str) -> int | None:
    """Where the host stands, also where there are signs in a password that should have been written with
    percent signs; None: that is open."""
    own = authority.rfind("@") + 1
    later = [found.end() for found in re.finditer("@", place) if found.end() > len(authority)]
    if not later:
        return own
    likely = [begin for begin in (own, *later) if _PLAUSIBLE.match(place, begin)]
    sure = [begin for begin in likely if _SURE.match(place, begin)]
    if own in sure and all(re.search(r"\?.*=", place[:begin], re.DOTALL) for begin in sure[1:]):
        return own  # An address of mail as a value.
    best = sure or likely
    return best[0] if len(best) == 1 else None


def _pathed(place: str, scheme: str) -> str:
    """A host, and the rest."""
    found = _AUTHORITY.match(place)
    host = found[0] if found else ""
    shown = host if not host or re.fullmatch(_HOST, host) else MASK
    rest = place[len(host) :]
    if _STORES.fullmatch(scheme):
        path, mark, query = rest.partition("?")
        return shown + (f"{path}?{_pairs(query)}" if "=" in query else rest)
    rest, hash_, _ = rest.partition("#")
    path, mark, query = rest.partition("?")
    return shown + _path(path) + (mark and f"?{_pairs(query)}") + (hash_ and f"#{MASK}")


def _path(path: str) -> str:
    shown: list[str] = []
    before = ""
    parts = path.split("/")
    for number, part in enumerate(parts):
        if _REST.fullmatch(before):
            return "/".join([*shown, MASK])
        hidden = bool(part) and _NEXT.fullmatch(before)
        shown.append(MASK if hidden else _path_part(part, last=number == len(parts) - 1))
        if not {*";="}.isdisjoint(_decoded(part)) and MASK in shown[-1] and number < len(parts) - 1:
            return "/".join([*shown, MASK])  # A slash in a value ends nothing.
        before = "" if hidden else re.sub(r"[^a-z]", "", _decoded(part).lower())
    return "/".join(shown)


def _path_part(part: str, *, last: bool) -> str:
    name, mark, parameters = _decoded(part).partition(";")
    if mark:
        return f"{_path_part(name, last=last)};{_pairs(parameters)}"
    if "=" in name:
        return _pairs(name.replace("_", "&").replace(",", "&"))
    if not _PART.fullmatch(name):
        return MASK
    return part if not _looks_random(name) or (last and _FILE.fullmatch(name)) else name[:4] + MASK


def _pairs(text: str) -> str:
    """The pairs of a query that say which image is wanted; one mask for all others."""
    pairs = [pair for pair in re.split("[&;]", text) if pair]
    shown = [pair for pair in pairs if _is_shown(_decoded(pair))]
    return "&".join([*shown, *([MASK] if len(shown) < len(pairs) else [])])


def _is_shown(pair: str) -> bool:
    name, _, value = pair.partition("=")
    name = re.sub(r"[^a-z]", "", name.lower())
    if not SHOWN.fullmatch(name):
        return False
    return bool(_NUMBER.fullmatch(value)) or (
        name != "id" and bool(_WORD.fullmatch(value)) and not _looks_random(value)
    )


def _looks_random(part: str) -> bool:
    """Whether a part of 16 characters or more has its letters and digits mixed as nobody writes them."""
    plain = re.sub(r"[^A-Za-z0-9]", "", part)
    if len(plain) < 16:
        return False
    kinds = ["0" if sign.isdigit() else "a" if sign.islower() else "A" for sign in plain]
    changes = sum(one != other for one, other in pairwise(kinds))
    hexadecimal = re.fullmatch(r"[0-9a-fA-F]+", plain) and {"0"} < {*kinds}
    return bool(hexadecimal) or changes >= 0.3 * len(plain)


def _decoded(text: str) -> str:
    """Without percent signs, also where they were put on twice."""
    from urllib.parse import unquote  # Here, not above: `import mien` does without it.

    for _ in range(3):
        text = unquote(text)
    return text


def _is_there(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except (OSError, ValueError):
        return False
