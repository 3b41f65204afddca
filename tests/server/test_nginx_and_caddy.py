"""nginx and Caddy themselves, with the settings that docs/access.md has for them, before a real service: https, images, a body
of more than a megabyte, a stream, events as they come, a path of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.asyncio.client import connect

from tests.server.service import encoded, serving
from tests.waiting import until

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
NAME, TOKEN = "faces.example.org", "a-token-of-the-tests-0123"
BEARER = {"authorization": f"Bearer {TOKEN}"}
KEYS = ("/etc/ssl/faces.pem", "/etc/ssl/faces.key")
"""Where the page has a certificate and its key."""

NGINX = """{user}daemon off; pid {folder}/pid; error_log {folder}/errors;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/held;
    fastcgi_temp_path {folder}/1; uwsgi_temp_path {folder}/2; scgi_temp_path {folder}/3;
    {shown}
}}
"""
CADDY = """{{
    admin off
    auto_https disable_redirects
    default_bind 127.0.0.1
    skip_install_trust
    storage file_system {folder}
}}
{shown}
"""


def shown(begin: str) -> str:
    """The block of the page that begins so."""
    [block] = re.findall(
        rf"^```\w*\n({re.escape(begin)}.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return str(block)


def replaced(text: str, **new: tuple[str, str]) -> str:
    """Settings with what is this machine's own: the ports and the certificate, and nothing else."""
    for old, value in new.values():
        assert text.count(old) == 1, old
        text = text.replace(old, value)
    return text


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def certificate(folder: Path) -> tuple[str, str]:
    """One for the name of the page, signed by itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    pem, key = str(folder / "faces.pem"), str(folder / "faces.key")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run([*command, *names, "-keyout", key, "-out", pem], check=True, capture_output=True)
    return pem, key


def nginx(folder: Path, service: int, block: str) -> tuple[list[str], int]:
    """The command that runs it, and where it listens."""
    port = free_port()
    pem, key = certificate(folder)
    text = replaced(
        block,
        listen=("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        pem=(KEYS[0], pem),
        key=(KEYS[1], key),
        service=("127.0.0.1:8000", f"127.0.0.1:{service}"),
    )
    user = "user root; " if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(user=user, folder=folder, shown=text))
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], port


def caddy(folder: Path, service: int, block: str) -> tuple[list[str], int]:
    """The same for Caddy, which would ask for a certificate by itself where the name is one of the internet's."""
    port = free_port()
    text = replaced(
        block,
        site=(f"{NAME} {{\n", f"{NAME}:{port} {{\n    tls {' '.join(certificate(folder))}\n"),
        service=("127.0.0.1:8000", f"127.0.0.1:{service}"),
    )
    (folder / "Caddyfile").write_text(CADDY.format(folder=folder, shown=text))
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"], port


@contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[ssl.SSLContext]:
    """A proxy that answers, and what trusts its certificate alone."""
    if shutil.which(command[0], path=f"{os.environ['PATH']}:/usr/sbin") is None:
        pytest.skip(f"{command[0]} is not installed: apt-get install {command[0]} (.ci/run does)")
    places = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder))
    home = os.environ | places | {"PATH": f"{os.environ['PATH']}:/usr/sbin"}
    with (folder / "told").open("w") as told:
        process = subprocess.Popen(command, stdout=told, stderr=told, env=home)
    try:

        def listens() -> bool:
            assert process.poll() is None, (folder / "told").read_text()
            with socket.socket() as asked:
                return asked.connect_ex(("127.0.0.1", port)) == 0

        until(listens, 60)
        yield ssl.create_default_context(cafile=str(folder / "faces.pem"))
    finally:
        process.terminate()
        process.wait(30)


class Client:
    """Asks through a proxy, under the name of the page."""

    def __init__(self, port: int, trusted: ssl.SSLContext) -> None:
        self.port, self.trusted = port, trusted
        self.http = httpx.Client(
            base_url=f"https://127.0.0.1:{port}", verify=trusted, headers={"host": NAME} | BEARER, timeout=60
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.http.request(method, path, extensions={"sni_hostname": NAME}, **options)

    def events(self, path: str) -> list[dict[str, Any]]:
        with self.http.stream("GET", path, extensions={"sni_hostname": NAME}) as told:
            return [json.loads(line[5:]) for line in told.iter_lines() if line.startswith("data:")]

    async def stream(self, frame: bytes) -> list[dict[str, Any]]:
        address = f"wss://{NAME}/v1/stream"
        where: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "ssl": self.trusted}
        async with connect(address, additional_headers=BEARER, **where) as socket:
            await socket.send('{"type": "start"}')
            ready = json.loads(await socket.recv())
            await socket.send(frame)
            return [ready, json.loads(await socket.recv())]


@pytest.mark.parametrize(
    ("begin", "proxy"), [("server {", nginx), (f"{NAME} {{", caddy)], ids=["nginx", "caddy"]
)
def test_what_the_page_says_of_a_proxy_works(
    begin: str,
    proxy: Callable[[Path, int, str], tuple[list[str], int]],
    tmp_path: Path,
    portrait: np.ndarray,
    movie: Callable[..., Path],
) -> None:
    with serving(tmp_path / "service", token=TOKEN, names=(NAME,)) as service:
        command, port = proxy(tmp_path, service.port, shown(begin))
        with running(command, port, tmp_path) as trusted, Client(port, trusted) as client:
            assert client.ask("GET", "/v1/models", headers={"authorization": ""}).status_code == 401
            image = encoded(portrait)
            answer = client.ask("POST", "/v1/images", files={"file": image})
            assert answer.json()["images"][0]["faces"][0]["emotion"] == "happy", answer.text
            noise = np.random.default_rng(0).integers(0, 256, (800, 800, 3), np.uint8)
            large = encoded(noise)
            assert len(large) > 1 << 20, "nginx alone would take a megabyte"
            assert client.ask("POST", "/v1/images", files={"file": large}).status_code == 200
            ready, read = asyncio.run(client.stream(image))
            assert (ready["type"], read["status"]) == ("ready", "face")
            fields = {"results": "result.csv"}
            sent = client.ask("POST", "/v1/videos", files={"file": movie(3).read_bytes()}, data=fields)
            assert client.events(f"{sent.headers['location']}/events")[-1]["state"] == "done"


def test_a_path_of_its_own_behind_nginx(tmp_path: Path) -> None:
    tls = "listen 443 ssl; ssl_certificate {}; ssl_certificate_key {};".format(*KEYS)
    block = f"server {{ {tls}\n{shown('location /mien/ {')}\n}}"
    with serving(tmp_path / "service", token=TOKEN, names=(NAME,), prefix="/mien") as service:
        command, port = nginx(tmp_path, service.port, block)
        with running(command, port, tmp_path) as trusted, Client(port, trusted) as client:
            [url] = {model["url"] for model in client.ask("GET", "/mien/v1/models").json()["models"][:1]}
            assert url == "/mien/networks/small-int8.onnx"
            assert client.ask("GET", url).status_code == 200
            assert client.ask("GET", "/v1/models").status_code == 404
