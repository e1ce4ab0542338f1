"""Two replicas of Sidestep, each before a provider of its own that fails, tell a real Alertmanager.

    live.py SIDESTEP ALERTMANAGER FOLDER
"""
import http.server
import json
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

# Longer than anything takes, even on a machine with much else to do.
LIMIT = 120
# After this an alert is over that nobody tells of any more; twice as long is safe to wait.
WINDOW = 60
CALL = {"model": "claude-opus-5-5", "max_tokens": 40, "messages": [{"role": "user", "content": "Say something."}]}
LABELS = {"alertname": "SidestepIncident", "provider": "anthropic", "service": "shop", "severity": "warning"}


class Pager(http.server.BaseHTTPRequestHandler):
    """Where Alertmanager notifies of alerts."""

    pages = []

    def do_POST(self):
        page = json.loads(self.rfile.read(int(self.headers["content-length"])))
        names = {alert["labels"]["alertname"] for alert in page["alerts"]}
        if "SidestepIncident" in names:
            self.pages.append((page["status"], page["alerts"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def call(url, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


def eventually(what, holds):
    deadline = time.monotonic() + LIMIT
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {LIMIT} s in vain until {what}"
        time.sleep(0.2)


def free_ports(count):
    """The first of `count` ports in a row that nobody has."""
    for first in range(33000, 44000, 50):
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
            return first
        except OSError:
            continue
    sys.exit("no free ports")


class Scene:
    def __init__(self, sidestep, alertmanager, folder):
        self.sidestep, self.folder, self.processes = sidestep, folder, []
        pager = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pager)
        threading.Thread(target=pager.serve_forever, daemon=True).start()
        self.alertmanager = self.start_alertmanager(alertmanager, pager.server_port)
        self.replicas = [self.start_replica(name) for name in ("shop-0", "shop-1")]

    def start(self, name, *words):
        log = self.folder / f"{name}.log"
        with open(log, "w") as out:
            self.processes.append(subprocess.Popen(words, stdout=out, stderr=out))
        return log

    def heard(self, log, pattern):
        """What `pattern` finds in a log, as soon as it is there."""
        assert all(process.poll() is None for process in self.processes), log.read_text()
        return re.search(pattern, log.read_text())

    def start_alertmanager(self, alertmanager, port):
        # JSON is YAML.
        pager = {"name": "pager", "webhook_configs": [{"url": f"http://127.0.0.1:{port}/", "send_resolved": True}]}
        route = {"receiver": "pager", "group_by": ["alertname"], "group_wait": "1s", "group_interval": "1s"}
        (self.folder / "am.yml").write_text(json.dumps({"route": route, "receivers": [pager]}))
        log = self.start(
            "alertmanager",
            alertmanager,
            f"--config.file={self.folder / 'am.yml'}",
            f"--storage.path={self.folder / 'data'}",
            "--web.listen-address=127.0.0.1:0",
            "--cluster.listen-address=",
        )
        found = eventually("Alertmanager listens", lambda: self.heard(log, r"127\.0\.0\.1:([1-9]\d*)"))
        return f"http://127.0.0.1:{found[1]}"

    def start_replica(self, name):
        port = free_ports(4)
        listen = f"--listen=127.0.0.1:{port}"
        config = subprocess.run([self.sidestep, "simulate", listen, "--print-config"], capture_output=True, text=True, check=True)
        file = self.folder / f"{name}.yaml"
        alerts = {"kind": "alertmanager", "url": self.alertmanager}
        notify = {"service": "shop", "instance": name, "status_url": "https://status.example.com/", "targets": {"alerts": alerts}}
        file.write_text(
            "listen: 127.0.0.1:0\nadmin: { listen: 127.0.0.1:0 }\nlog: { format: json }\n"
            "health: { consecutive_failures: 3, cooldown: 500ms, max_cooldown: 1s, slow_start: 1s }\n"
            "probes: { interval: 200ms, suspect_interval: 200ms }\n"
            f"notify: {json.dumps(notify)}\n" + config.stdout
        )
        simulator = self.start(f"{name}-simulate", self.sidestep, "simulate", listen, "--first-token=5", "--tokens-per-second=0")
        eventually("the providers answer", lambda: reached(f"http://127.0.0.1:{port}/__simulate/faults"))
        log = self.start(name, self.sidestep, "run", str(file))
        found = eventually("Sidestep serves", lambda: self.heard(log, r'"applications":"([^"]+)","admin":"([^"]+)"'))
        return Replica(name, f"http://{found[1]}", f"http://{found[2]}", f"http://127.0.0.1:{port}", file)

    def alerts(self, name="SidestepIncident"):
        found = json.loads(call(f"{self.alertmanager}/api/v2/alerts?filter=alertname%3D{name}"))
        return [alert for alert in found if alert["status"]["state"] == "active"]

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(30)


class Replica:
    def __init__(self, name, app, admin, control, file):
        self.name, self.app, self.admin, self.control, self.file = name, app, admin, control, file

    def fail(self):
        for model in ("claude-opus-5-5", "claude-haiku-5-5"):
            fault = {"fault": "status", "status": 529, "rate": 1.0}
            call(f"{self.control}/__simulate/anthropic/faults/{model}", fault, "PUT")

    def heal(self):
        call(f"{self.control}/__simulate/faults", method="DELETE")

    def incidents(self):
        """Calls both models, and returns the incidents that last."""
        for model in ("claude-opus-5-5", "claude-haiku-5-5"):
            call(f"{self.app}/v1/messages", CALL | {"model": model})
        return [one for one in json.loads(call(f"{self.admin}/incidents"))["incidents"] if not one.get("ended")]


def reached(url):
    try:
        call(url)
        return True
    except OSError:
        return False


def play(scene):
    first, second = scene.replicas
    for replica in scene.replicas:
        replica.fail()
    for replica in scene.replicas:
        eventually(f"{replica.name} is in an incident", replica.incidents)
    both = lambda: all(replica.incidents() for replica in scene.replicas) and scene.alerts()
    [alert] = eventually("there is an alert", both)
    assert alert["labels"] == LABELS, alert
    assert alert["generatorURL"] == "https://status.example.com/", alert
    tellers = {alert["annotations"]["told_by"]}
    eventually("both have told of it", lambda: tellers.add(scene.alerts()[0]["annotations"]["told_by"]) or len(tellers) == 2)
    assert len(scene.alerts()) == 1, "two replicas' alerts of one provider are one"

    first.heal()
    eventually("the first is well", lambda: not first.incidents())
    well = time.monotonic()
    while time.monotonic() < well + WINDOW * 1.5:
        assert second.incidents() and len(scene.alerts()) == 1, "the first one to recover has ended the alert for all"
        time.sleep(1)
    second.heal()
    eventually("the second is well", lambda: not second.incidents())
    eventually("the last word is there", lambda: any("Restored: " in one["annotations"]["summary"] for one in scene.alerts()))
    eventually("the alert is over", lambda: not scene.alerts())
    eventually("that is told", lambda: len(Pager.pages) >= 2)
    assert [status for status, _ in Pager.pages] == ["firing", "resolved"], Pager.pages
    [resolved] = Pager.pages[1][1]
    assert "Back at full share after" in resolved["annotations"]["description"], resolved


def test_by_hand(scene):
    words = [scene.sidestep, "notify", "test", "alerts", "--config", str(scene.replicas[0].file)]
    told = subprocess.run(words, capture_output=True, text=True)
    assert told.returncode == 0 and "alerts (alertmanager): sent, 200" in told.stdout, told
    [alert] = scene.alerts("SidestepTest")
    assert (alert["labels"]["severity"], alert["annotations"]["told_by"]) == ("info", "shop-0"), alert


def main(sidestep, alertmanager, folder):
    scene = Scene(sidestep, alertmanager, pathlib.Path(folder))
    try:
        test_by_hand(scene)
        play(scene)
    finally:
        scene.stop()
    print(f"one alert of two replicas, told {len(Pager.pages)} times: once firing, once resolved")


main(*sys.argv[1:])
