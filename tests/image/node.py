"""Runs an unpacked image as a node of a cluster would: its own network, an unprivileged user, a read-only root with
/proc, /dev, resolv.conf and hosts put in, and names that only a name server knows.

    unshare --map-root-user --net --mount node.py ROOT
"""
import contextlib
import fcntl
import json
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from names import Names

# From linux/sockios.h and linux/if.h: a new network's loopback is down.
SET_FLAGS, UP = 0x8914, 1
KNOWN = {"simulator.shop.svc.cluster.local": "127.0.0.1", "llm.example.com": "127.0.0.1", "torn.example.com": "127.0.0.1"}
RESOLVER = """nameserver 127.0.0.1
search shop.svc.cluster.local svc.cluster.local cluster.local
options ndots:5
"""
HOSTS = "127.0.0.1 localhost\n127.0.0.1 aliased\n"
# A service's short name, a name of the world, one whose answer needs TCP, one of /etc/hosts, one that there is not.
ROADS = {"service": "simulator", "world": "llm.example.com", "torn": "torn.example.com", "alias": "aliased", "nobody": "no.example.com"}


def config():
    """A route to one provider for each road."""
    provider = lambda host: {"dialect": "anthropic", "base_url": f"http://{host}:7181/v1", "api_key": {"env": "KEY"}}
    return {
        "admin": {"listen": "0.0.0.0:6181"},
        "providers": {road: provider(host) for road, host in ROADS.items()},
        "models": {road: {"provider": road, "model": "claude-opus-5-5"} for road in ROADS},
        "routes": [{"match": road, "targets": [road], "single_provider": True} for road in ROADS],
    }


def prepare(root):
    """What a container runtime and the kubelet add to an image."""
    (root / "etc/sidestep").mkdir(exist_ok=True)
    # JSON is YAML.
    (root / "etc/sidestep/sidestep.yaml").write_text(json.dumps(config()))
    (root / "etc/resolv.conf").write_text(RESOLVER)
    (root / "etc/hosts").write_text(HOSTS)
    sh = lambda *words: subprocess.run(words, check=True)
    for folder in ("dev", "proc"):
        (root / folder).mkdir(exist_ok=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))
    sh("mount", "--bind", root, root)
    sh("mount", "-o", "remount,bind,ro", root)
    for folder in ("dev", "proc"):
        sh("mount", "--rbind", f"/{folder}", root / folder)


class Container:
    """Starts the image's entrypoint as its user."""

    def __init__(self, root):
        user = ["unshare", "--user", "--map-user=65532", "--map-group=65532", f"--root={root}", "--wd=/"]
        self.words = [*user, "/sidestep"]

    def ends(self, *words, code=0):
        done = subprocess.run([*self.words, *words], capture_output=True, text=True, timeout=20, env={"KEY": "x"})
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def stays(self, *words):
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen([*self.words, *words], stdout=log, stderr=log, env={"KEY": "x"})
            try:
                yield process
            finally:
                process.terminate()
                code = process.wait(40)
                log.seek(0)
                told = log.read()
            assert code == 0, f"{words[0]} ended with {code} on SIGTERM\n{told}"
            assert "no root certificates" not in told, told


def get(url, body=None):
    """Status, headers and text of an answer."""
    request = urllib.request.Request(url, body and json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def ready(url):
    deadline = time.monotonic() + 20
    while True:
        try:
            return get(url)
        except OSError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.05)


def ask(road):
    question = {"model": road, "max_tokens": 32, "messages": [{"role": "user", "content": "hello"}]}
    return get("http://127.0.0.1:6180/v1/messages", question)


def run(root):
    names, container = Names(KNOWN, torn={"torn.example.com"}), Container(root)
    print(container.ends("--version").strip())
    assert "5 routes" in container.ends("check", "/etc/sidestep/sidestep.yaml")
    container.ends("check", "/etc/no-such-file", code=2)
    with container.stays("simulate"), container.stays("run", "/etc/sidestep/sidestep.yaml") as process:
        ready("http://127.0.0.1:7180/__simulate/faults")
        assert ready("http://127.0.0.1:6181/readyz")[0] == 200
        check_process(process.pid)
        for road in ("service", "world", "torn", "alias"):
            status, headers, text = ask(road)
            assert (status, headers["sidestep-upstream"]) == (200, road), f"{road}: {status} {text}"
        status, _, text = ask("nobody")
        assert status == 503, f"a name that nobody has: {status} {text}"
        metrics = get("http://127.0.0.1:6181/metrics")[2]
        assert "process_resident_memory_bytes" in metrics and 'outcome="answered"' in metrics
    check_names(names.asked)


def check_process(pid):
    """Not root, and nothing that root could do."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    uid = next(line for line in status.splitlines() if line.startswith("Uid:"))
    mapped = pathlib.Path(f"/proc/{pid}/uid_map").read_text().split()[0]
    assert mapped == "65532", f"it runs as {mapped} ({uid})"
    kept = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    assert int(kept, 16) == 0, f"it has capabilities: {kept}"


def check_names(asked):
    kinds = {name: {kind for _, found, kind in asked if found == name} for _, name, _ in asked}
    assert {"A", "AAAA"} <= kinds["simulator.shop.svc.cluster.local"], kinds
    # With ndots:5 the search list goes first.
    assert "llm.example.com.shop.svc.cluster.local" in kinds and "llm.example.com" in kinds, kinds
    assert ("tcp", "torn.example.com", "A") in asked, asked
    assert not any(name.startswith("aliased") for name in kinds), "/etc/hosts was not read"
    print(f"names: {len(asked)} questions, the search list, TCP and /etc/hosts in order")


def main():
    root = pathlib.Path(sys.argv[1])
    prepare(root)
    writable = subprocess.run(["touch", root / "new"], capture_output=True)
    assert writable.returncode != 0, "the root can be written"
    run(root)


main()
