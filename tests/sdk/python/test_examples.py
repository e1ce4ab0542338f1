"""The example applications of deploy/examples, as they are mounted into their pods, with the example's configuration."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "deploy/examples"
PLACEHOLDERS = {"ANTHROPIC_API_KEY": "placeholder", "OPENAI_API_KEY": "placeholder"}


def script(manifest, name):
    """The program in a manifest's ConfigMap."""
    text = (EXAMPLES / manifest).read_text()
    return textwrap.dedent(re.search(rf"^  {re.escape(name)}: \|\n((?:    .*\n|\n)+)", text, re.M)[1])


def configuration(port):
    """The example's, with the simulated providers on this machine."""
    text = (EXAMPLES / "values-simulated.yaml").read_text().split("\nconfig:\n")[1]
    here = re.sub(r"simulated\.providers\.svc:718(\d)", lambda found: f"127.0.0.1:{port + int(found[1])}", text)
    return f"listen: 127.0.0.1:{port + 4}\nadmin: {{ listen: 127.0.0.1:{port + 5} }}\n{textwrap.dedent(here)}"


def free_ports(count):
    for first in range(24000, 32000, 50):
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
            return first
        except OSError:
            continue
    raise AssertionError("no free ports")


def fault(port, method, path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/__simulate/{path}", body, {"content-type": "application/json"}, method=method)
    urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """Simulated providers and Sidestep, as the example has them; the providers' first port."""
    sidestep, first = os.environ["SIDESTEP"], free_ports(6)
    config = tmp_path_factory.mktemp("example") / "sidestep.yaml"
    config.write_text(configuration(first))
    started = [
        subprocess.Popen([sidestep, "simulate", f"--listen=127.0.0.1:{first}", "--first-token=20", "--tokens-per-second=0"]),
        subprocess.Popen([sidestep, "run", config]),
    ]
    for url in (f"http://127.0.0.1:{first}/__simulate/faults", f"http://127.0.0.1:{first + 5}/readyz"):
        for _ in range(200):
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise AssertionError(f"{url} does not answer")
    yield first
    for process in started:
        process.terminate()
        process.wait(40)


def start(program, port):
    """What an injected container is given."""
    url = f"http://127.0.0.1:{port + 4}"
    env = {**os.environ, **PLACEHOLDERS, "ANTHROPIC_BASE_URL": url, "OPENAI_BASE_URL": f"{url}/v1"}
    return subprocess.Popen([sys.executable, "-c", program], env=env, stdout=subprocess.PIPE, text=True)


def test_the_application_goes_on_while_its_provider_fails(port):
    talk = start(script("app.yaml", "talk.py"), port)
    try:
        assert talk.stdout.readline().startswith("opus: ")
        fault(port, "PUT", "anthropic/faults/claude-opus-5-5", b'{"fault": "status", "status": 529, "rate": 1.0}')
        lines = [talk.stdout.readline() for _ in range(5)]
        # The first may have been asked before.
        assert all(line.startswith("gpt: ") for line in lines[1:]), lines
    finally:
        talk.kill()
        talk.wait()
        fault(port, "DELETE", "faults")


def test_the_job_ends(port):
    count = start(script("job.yaml", "count.py"), port)
    told, _ = count.communicate(timeout=60)
    assert count.returncode == 0
    assert len([line for line in told.splitlines() if line.strip()]) >= 3, told
