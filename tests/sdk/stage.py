#!/usr/bin/env python3
"""Starts the simulated providers and Sidestep in front of them on free loopback ports, waits until they answer,
runs the given command with SIDESTEP_STAGE naming a file that says where everything is, and ends them.

    stage.py BINARY COMMAND…
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

# What the ill targets do. Each scenario and dialect has providers of its own: the health of one says nothing of another.
CUTS = ["cut", "torn", "clean", "clean-torn", "missing-terminal", "in-band-error", "broken-event"]
SCENARIOS = ["healthy", "down", "exhausted", "limited", "invalid", "unauthorised", *CUTS]
CLAUDE, GPT = "claude-opus-5-5", "gpt-6.1-sol"
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


def configuration(listen, admin, well, ill):
    """Two targets a route: the app's own provider first, the other one second."""
    config = {
        "listen": f"127.0.0.1:{listen}",
        "admin": {"listen": f"127.0.0.1:{admin}"},
        # Only the app's calls may reach the simulators: their logs are counted.
        "probes": {"enabled": False},
        "limits": {"body_bytes": "2MiB"},
        # Refusals are what is asked for here; panics are told all the same.
        "log": {"level": "off"},
        "providers": {}, "models": {}, "routes": [],
    }

    def target(name, preset, where):
        config["providers"][name] = {"preset": preset, "base_url": f"{where[preset]}/v1", "api_key": {"env": "SIDESTEP_SUITE_KEY"}}
        config["models"][name] = {"provider": name, "model": CLAUDE if preset == "anthropic" else GPT}
        return name

    for scenario in SCENARIOS:
        first = well if scenario == "healthy" else ill
        second = well if scenario in ("healthy", "down") else ill
        for dialect in ("anthropic", "openai", "responses"):
            route = f"{scenario}-{dialect}"
            own, other = ("anthropic", "openai") if dialect == "anthropic" else ("openai", "anthropic")
            targets = [target(f"{route}-first", own, first), target(f"{route}-second", other, second)]
            config["routes"].append({"match": route, "targets": targets})
    return config


def main():
    binary, command = sys.argv[1], sys.argv[2:]
    # A simulator's control is on the first port, its providers on those after it.
    listen, admin, well_control, ill_control = (free_ports(count) for count in (1, 1, 4, 4))
    well, ill = (dict(zip(["anthropic", "openai", "xai"], map(url, range(first + 1, first + 4)))) for first in (well_control, ill_control))
    environment = os.environ | {"SIDESTEP_SUITE_KEY": "sk-suite-upstream"}
    processes = []
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "sidestep.yaml")
        with open(config, "w", encoding="utf-8") as file:
            json.dump(configuration(listen, admin, well, ill), file)
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
