"""Asks a real Prometheus every query of the dashboard, and loads the rules into it, while it scrapes a Sidestep that
goes through an incident in front of simulated providers.

    live.py SIDESTEP PROMETHEUS FOLDER
"""
import concurrent.futures
import http.server
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import queries

SECONDS = 25
ROADS = [
    ("messages", "claude-opus-5-5", "max_tokens"),
    ("chat/completions", "gpt-6.1-sol", "max_completion_tokens"),
]


def free_ports(count):
    """The first of `count` ports in a row that nobody has."""
    for first in range(21000, 32000, 50):
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
            return first
        except OSError:
            continue
    sys.exit("no free ports")


def call(url, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


def wait(url):
    deadline = time.monotonic() + 20
    while True:
        try:
            return call(url)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


class Chat(http.server.BaseHTTPRequestHandler):
    """Takes every notification."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Scene:
    """Simulated providers, Sidestep and Prometheus, each on ports of its own."""

    def __init__(self, sidestep, prometheus, folder):
        self.port, self.folder, self.processes, self.sidestep = free_ports(7), folder, [], sidestep
        self.chat = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
        threading.Thread(target=self.chat.serve_forever, daemon=True).start()
        self.control, self.app, self.admin, self.prometheus = (
            f"http://127.0.0.1:{self.port + at}" for at in (0, 4, 5, 6)
        )
        listen = f"--listen=127.0.0.1:{self.port}"
        config = subprocess.run([sidestep, "simulate", listen, "--print-config"], capture_output=True, text=True, check=True)
        (folder / "sidestep.yaml").write_text(
            f"listen: 127.0.0.1:{self.port + 4}\nadmin: {{ listen: 127.0.0.1:{self.port + 5} }}\n"
            "probes: { interval: 1s, suspect_interval: 500ms }\nfaults: { allow: true, max_rate: 1 }\n"
            f"notify: {{ targets: {{ chat: {{ kind: webhook, url: 'http://127.0.0.1:{self.chat.server_port}/' }} }} }}\n"
            + config.stdout
        )
        self.start(sidestep, "simulate", listen, "--first-token=20", "--tokens-per-second=0")
        self.start(sidestep, "run", folder / "sidestep.yaml")
        self.start_prometheus(prometheus)

    def start_prometheus(self, prometheus):
        # JSON is YAML.
        target = {"targets": [self.admin[7:]], "labels": {"namespace": "shop", "pod": "shop-0"}}
        settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(queries.FILES / "rules.yaml")],
            "scrape_configs": [{"job_name": "sidestep", "static_configs": [target]}],
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(settings))
        self.start(
            prometheus,
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={self.prometheus[7:]}",
        )

    def start(self, *words):
        log = open(self.folder / f"{len(self.processes)}.log", "w")
        self.processes.append(subprocess.Popen(words, stdout=log, stderr=log))

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(30)

    def operate(self, *words):
        command = [self.sidestep, *words, "--admin", self.admin, "--actor", "night-shift"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=20)

    def query(self, text):
        return self.api("query", query=text)["result"]

    def api(self, what, **words):
        url = f"{self.prometheus}/api/v1/{what}?{urllib.parse.urlencode(words)}"
        try:
            return json.loads(call(url))["data"]
        except urllib.error.HTTPError as error:
            sys.exit(f"{words}: {error.read().decode()}")


def traffic(scene):
    """Calls in both dialects, until the time is over; after a third of it the first provider fails, the second stumbles, and
    people begin to switch, to rehearse and to change the configuration."""
    end = time.monotonic() + SECONDS

    def caller(at):
        asked = 0
        while time.monotonic() < end:
            talk = [{"role": "user", "content": "Say something."}]
            road, model, limit = ROADS[at % 2]
            body = {"model": model, limit: 40, "messages": talk, "stream": asked % 2 == 0}
            call(f"{scene.app}/v1/{road}", body)
            asked += 1
            time.sleep(0.1)
        return asked

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        callers = [pool.submit(caller, at) for at in range(8)]
        time.sleep(SECONDS / 3)
        fault = {"fault": "status", "status": 529, "rate": 1.0}
        for model in ("claude-opus-5-5", "claude-haiku-5-5"):
            call(f"{scene.control}/__simulate/anthropic/faults/{model}", fault, "PUT")
        # Now and then a stream of the other's breaks off, and is finished by the third.
        fault = {"fault": "cut", "after": 4, "rate": 0.05}
        call(f"{scene.control}/__simulate/openai/faults/gpt-6.1-sol", fault, "PUT")
        # Of a model that answers most calls by now, so that it is met.
        scene.operate("fault", "gpt", "--delay", "20ms", "--for", "1m", "--reason", "practice")
        scene.operate("disable", "luna", "--for", "1m", "--reason", "practice")
        settings = scene.folder / "sidestep.yaml"
        (scene.folder / "next.yaml").write_text(settings.read_text() + "drain: { timeout: 20s }\n")
        (scene.folder / "next.yaml").rename(settings)
        return sum(one.result() for one in callers)


def check_names(scene):
    """Every family that a query names is in the scrape, or in the injector's table."""
    told = set(re.findall(r"^# TYPE (\S+)", call(f"{scene.admin}/metrics"), re.M)) | queries.injector()
    rules = scene.api("rules")["groups"]
    asked = [query for _, query in queries.panels()] + [rule["query"] for group in rules for rule in group["rules"]]
    unknown = {name for query in asked for name in queries.metrics(query)} - told
    assert not unknown, f"no scrape has {sorted(unknown)}"
    assert all(rule["health"] == "ok" for group in rules for rule in group["rules"]), rules
    return len(asked)


def check_panels(scene):
    def without_data():
        asked = [(title, queries.filled(query, "30s")) for title, query in queries.panels() if not title.startswith("Injector")]
        return [title for title, query in asked if not scene.query(query)]

    # The last scrape may be still to come.
    deadline = time.monotonic() + 15
    while (empty := without_data()) and time.monotonic() < deadline:
        time.sleep(1)
    assert not empty, f"nothing to be seen in {empty}"


def main(sidestep, prometheus, folder):
    scene = Scene(sidestep, prometheus, pathlib.Path(folder))
    try:
        wait(f"{scene.admin}/readyz")
        wait(f"{scene.control}/__simulate/faults")
        wait(f"{scene.prometheus}/-/ready")
        calls = traffic(scene)
        names = check_names(scene)
        check_panels(scene)
        open_models = scene.query('sum by (model) (sidestep_model_verdict{verdict=~"open|half_open"}) > 0')
        assert {one["metric"]["model"] for one in open_models} == {"opus", "haiku"}, open_models
        assert scene.query("sidestep:attempt_failures:ratio_rate5m > 0"), "the recorded failures"
        print(f"live: {calls} calls, {names} queries asked, each has data")
    finally:
        scene.chat.shutdown()
        scene.stop()


main(*sys.argv[1:])
