"""Runs the commands of the pages, each page in its scenes, and compares what they print with what is shown.

    commands.py SIDESTEP [PAGE…]
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import pages

# Commands that talk to a running Sidestep.
REMOTE = "status|disable|enable|incidents|fault|log"
SHIM = """#!/usr/bin/env bash
case "$1" in {remote}) exec "{binary}" "$@" --admin "{admin}" ;; *) exec "{binary}" "$@" ;; esac
"""
CONFIG = """listen: 127.0.0.1:{app}
admin: {{ listen: 127.0.0.1:{admin} }}
probes: {{ interval: 1s, suspect_interval: 500ms }}
faults: {{ allow: true }}
state: {folder}
"""
LITELLM = """model_list:
  - { model_name: chat, litellm_params: { model: anthropic/claude-opus-5-5, api_key: os.environ/ANTHROPIC_API_KEY } }
  - { model_name: spare, litellm_params: { model: openai/gpt-6.1-sol, api_key: sk-in-the-file } }
litellm_settings: { fallbacks: [{ chat: [spare] }] }
general_settings: { master_key: sk-1234 }
"""


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that nobody has, from where the system points to."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = first.getsockname()[1]
        try:
            for at in range(port, port + count):
                socket.create_server(("127.0.0.1", at)).close()
            return port
        except (OSError, OverflowError):
            continue


def call(url: str, body: object = None, method: str | None = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def until(what: str, holds) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if holds():
                return
        except (OSError, IndexError):
            pass
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.1)


class Scene:
    """Sidestep in front of simulated providers, and an application that calls it."""

    def __init__(self, sidestep: str, name: str, folder: pathlib.Path) -> None:
        self.port, self.folder, self.over = free_ports(6), folder, threading.Event()
        self.control = f"http://127.0.0.1:{self.port}"
        self.app, self.admin = (f"127.0.0.1:{self.port + at}" for at in (4, 5))
        listen = f"--listen=127.0.0.1:{self.port}"
        told = subprocess.run([sidestep, "simulate", listen, "--print-config"], capture_output=True, text=True, check=True)
        config = CONFIG.format(app=self.port + 4, admin=self.port + 5, folder=folder / "state")
        (folder / "state").mkdir()
        (folder / "sidestep.yaml").write_text(config + told.stdout)
        (folder / "config.yaml").write_text(LITELLM)
        (folder / "bin").mkdir()
        shim = folder / "bin/sidestep"
        shim.write_text(SHIM.format(remote=REMOTE, binary=sidestep, admin=f"http://{self.admin}"))
        shim.chmod(0o755)
        log = (folder / "log").open("w")
        commands = [[sidestep, "simulate", listen, "--first-token=20"], [sidestep, "run", str(folder / "sidestep.yaml")]]
        self.processes = [subprocess.Popen(command, stdout=log, stderr=log) for command in commands]
        self.caller = threading.Thread(target=self.calls, daemon=True)
        try:
            until("Sidestep is ready", lambda: call(f"http://{self.admin}/readyz"))
            until("the providers are there", lambda: call(f"{self.control}/__simulate/faults"))
            getattr(self, name)()
        except BaseException:
            self.stop()
            raise

    def well(self) -> None:
        """Nothing is ill."""
        self.caller.start()
        until("opus has answered", lambda: self.counted('sidestep_attempts_total{class="ok",model="opus"'))

    def outage(self) -> None:
        """Anthropic is overloaded, and Sidestep has found out."""
        self.well()
        for model in ("claude-opus-5-5", "claude-haiku-5-5"):
            call(f"{self.control}/__simulate/anthropic/faults/{model}", {"fault": "status", "status": 529}, "PUT")
        until("anthropic is open", lambda: self.status()["providers"][0]["verdict"] == "open")
        until("calls go elsewhere", lambda: self.counted('sidestep_requests_total{dialect="anthropic",outcome="rerouted"'))

        until("the record has it", lambda: json.loads(call(f"http://{self.admin}/incidents"))["incidents"][0]["calls"]["rerouted"])

    def cut(self) -> None:
        """Anthropic's big model breaks off its streams; nobody has called yet."""
        call(f"{self.control}/__simulate/anthropic/faults/claude-opus-5-5", {"fault": "cut", "after": 6}, "PUT")

    def calls(self) -> None:
        talk = [{"role": "user", "content": "Say something."}]
        while not self.over.wait(0.1):
            call(f"http://{self.app}/v1/messages", {"model": "claude-opus-5-5", "max_tokens": 40, "messages": talk})

    def counted(self, series: str) -> bool:
        """Whether a series that begins so has counted anything."""
        scrape = call(f"http://{self.admin}/metrics").decode()
        return re.search(f"^{re.escape(series)}.* [1-9]", scrape, re.M) is not None

    def status(self) -> dict:
        return json.loads(call(f"http://{self.admin}/status"))

    def run(self, command: pages.Command) -> str:
        """What the command prints, to both outputs."""
        text = command.text.replace("127.0.0.1:6180", self.app).replace("127.0.0.1:6181", self.admin)
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        told = subprocess.run(
            ["bash", "-c", text], cwd=self.folder, env={**os.environ, "PATH": path, "USER": "ada"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
        )
        assert told.returncode == 0, f"ends with {told.returncode}: {told.stdout}"
        return told.stdout

    def stop(self) -> None:
        self.over.set()
        if self.caller.is_alive():
            self.caller.join()
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(60)


def check_page(sidestep: str, page: pathlib.Path) -> int:
    tried = 0
    for name, commands in pages.scenes(page):
        with tempfile.TemporaryDirectory() as folder:
            scene = Scene(sidestep, name, pathlib.Path(folder))
            try:
                for command in commands:
                    where = f"{page.name}:{command.line}: {command.text}"
                    try:
                        told = scene.run(command)
                    except AssertionError as error:
                        sys.exit(f"{where}\n{error}")
                    if line := pages.misfit(command.shown, told):
                        sys.exit(f"{where}\nshown, but not told in its place: {line}\n--- told:\n{told}")
                    tried += 1
            finally:
                scene.stop()
    return tried


def check_mentions(sidestep: str, page: pathlib.Path) -> int:
    """Each command that the text names is one, and has the options that it is given."""
    mentions = pages.mentioned(page)
    for mention in mentions:
        words = mention.split()
        command = [words[1], *(word for word in words[2:3] if words[1] in ("import", "notify"))]
        told = subprocess.run([sidestep, *command, "--help"], capture_output=True, text=True)
        options = set(re.findall(r"--[a-z-]+", mention))
        missing = options - set(re.findall(r"--[a-z-]+", told.stdout))
        if told.returncode or missing:
            sys.exit(f"{page.name}: `{mention}`: no such command or option {missing or ''}")
    return len(mentions)


def main(sidestep: str, *only: str) -> None:
    tried, mentions = 0, 0
    for page in sorted(pages.DOCS.glob("*.md")):
        if only and page.stem not in only:
            continue
        mentions += check_mentions(sidestep, page)
        count = check_page(sidestep, page)
        tried += count
        print(f"{page.name}: {count} commands", flush=True)
    assert only or (tried >= 20 and mentions >= 20), (tried, mentions)
    print(f"{tried} commands print what is shown, {mentions} more are commands")


main(*sys.argv[1:])
