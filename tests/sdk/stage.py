#!/usr/bin/env python3
"""Starts the simulated providers and Sidestep in front of them on free loopback ports, waits until they answer,
runs the given command with SIDESTEP_STAGE naming a file that says where everything is, and ends them.

    stage.py BINARY live|faults COMMAND…

`live` has a route for each scenario of this file, `faults` one for each line of faults.json.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

# What the ill targets of `live` do.
CUTS = ["cut", "torn", "clean", "clean-torn", "missing-terminal", "in-band-error", "broken-event"]
SCENARIOS = ["healthy", "down", "exhausted", "limited", "invalid", "unauthorised", *CUTS]
CLAUDE, GPT = "claude-opus-5-5", "gpt-6.1-sol"
# The app's dialect, and whose simulators are asked first and second.
DIALECTS = {"anthropic": ("anthropic", "openai"), "openai": ("openai", "anthropic"), "responses": ("openai", "anthropic")}
PATIENCE_S = 60


def free_ports(count):
    """The first of so many free ports in a row."""
    while True:
        with contextlib.ExitStack() as held:
            listen = lambda port: held.enter_context(socket.create_server(("127.0.0.1", port))).getsockname()[1]
            first = listen(0)
            with contextlib.suppress(OSError, OverflowError):
                for port in range(first + 1, first + count):
                    listen(port)
                return first


def url(port):
    return f"http://127.0.0.1:{port}"


def wait_until_answered(address, processes):
    """Asks until there is an answer of any status; gives up when a process has ended or patience has."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            ended = [process.args for process in processes if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                raise SystemExit(f"{address} does not answer; ended: {ended}") from None
            time.sleep(0.05)


class Configuration:
    """Routes of two targets: the app's own provider first, the other one second."""

    def __init__(self, listen, admin):
        self.whole = {
            "listen": f"127.0.0.1:{listen}",
            "admin": {"listen": f"127.0.0.1:{admin}"},
            # Only the app's calls may reach the simulators: their logs are counted.
            "probes": {"enabled": False},
            "limits": {"body_bytes": "2MiB"},
            # Refusals are what is asked for here; panics are told all the same.
            "log": {"level": "off"},
            "providers": {}, "models": {}, "routes": [],
        }

    def route(self, match, dialect, first, second, windows=(None, None), **settings):
        """One route, with providers of its own, so that the health of one says nothing of another."""
        targets = []
        for place, preset, where, window in zip(("first", "second"), DIALECTS[dialect], (first, second), windows):
            name = f"{match}-{place}"
            self.whole["providers"][name] = {"preset": preset, "base_url": f"{where[preset]}/v1", "api_key": {"env": "SIDESTEP_SUITE_KEY"}}
            self.whole["models"][name] = {"provider": name, "model": CLAUDE if preset == "anthropic" else GPT}
            if window:
                self.whole["models"][name]["context_window"] = window
            targets.append(name)
        self.whole["routes"].append({"match": match, "targets": targets, **settings})

    def live(self, well, ill):
        for scenario in SCENARIOS:
            first = well if scenario == "healthy" else ill
            second = well if scenario in ("healthy", "down") else ill
            for dialect in DIALECTS:
                self.route(f"{scenario}-{dialect}", dialect, first, second)

    def faults(self, well, ill):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "faults.json"), encoding="utf-8") as file:
            cases = json.load(file)[1:]
        for dialect in DIALECTS:
            for case in cases:
                for shape in ("raw", "helped", "whole"):
                    windows = case.get("windows", (None, None))
                    self.route(f"{case['name']}-{shape}-{dialect}", dialect, ill, well, windows, **case.get("route", {}))
            self.route(f"flapping-{dialect}", dialect, ill, well)


def main():
    binary, scenes, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    # A simulator's control is on the first port, its providers on those after it.
    listen, admin, well_control, ill_control = (free_ports(count) for count in (1, 1, 4, 4))
    well, ill = (dict(zip(["anthropic", "openai", "xai"], map(url, range(first + 1, first + 4)))) for first in (well_control, ill_control))
    environment = os.environ | {"SIDESTEP_SUITE_KEY": "sk-suite-upstream"}
    processes = []
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "sidestep.yaml")
        with open(config, "w", encoding="utf-8") as file:
            configuration = Configuration(listen, admin)
            {"live": configuration.live, "faults": configuration.faults}[scenes](well, ill)
            json.dump(configuration.whole, file)
        stage = os.path.join(folder, "stage.json")
        with open(stage, "w", encoding="utf-8") as file:
            json.dump({"url": url(listen), "well": well, "ill": ill, "claude": CLAUDE, "gpt": GPT}, file)
        try:
            for control in (well_control, ill_control):
                simulate = [binary, "simulate", "--listen", f"127.0.0.1:{control}", "--first-token", "0", "--tokens-per-second", "0"]
                processes.append(subprocess.Popen(simulate, env=environment))
            processes.append(subprocess.Popen([binary, "run", "--config", config], env=environment))
            for address in [*well.values(), *ill.values()]:
                wait_until_answered(f"{address}/__simulate/attempts", processes)
            wait_until_answered(f"{url(admin)}/readyz", processes)
            return subprocess.run(command, env=environment | {"SIDESTEP_STAGE": stage}, check=False).returncode
        finally:
            for process in reversed(processes):
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait(PATIENCE_S)


if __name__ == "__main__":
    sys.exit(main())
