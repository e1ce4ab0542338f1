"""Every query of the dashboard and of the rules, as a Prometheus could be asked it."""
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = ROOT / "helm/sidestep/files"
METRIC = re.compile(r"\b(?:sidestep|process)_[a-z0-9_]+\b")
SUFFIX = re.compile(r"_(bucket|sum|count)$")


def dashboard():
    return json.loads((FILES / "dashboard.json").read_text())


def panels():
    """Title and query of each panel, and of each annotation."""
    board = dashboard()
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for annotation in board["annotations"]["list"]:
        if "expr" in annotation:
            yield annotation["name"], annotation["expr"]


def filled(query, window):
    """`query` with what Grafana fills in."""
    for name, value in {"__rate_interval": window, "__range": window}.items():
        query = query.replace(f"${name}", value)
    query = re.sub(r"\$(namespace|route|provider)\b", ".*", query)
    assert "$" not in query, f"an unknown variable: {query}"
    return query


def metrics(query):
    """The families that `query` names. Recorded series have a colon and are no metrics."""
    bare = re.sub(r'"[^"]*"', "", query)
    return {SUFFIX.sub("", name) if name.endswith(("_bucket", "_sum", "_count")) else name for name in METRIC.findall(bare)}


def injector():
    """The injector's families, from where they are registered: it wants a cluster to run, and a scrape of it is not at hand."""
    text = (ROOT / "deploy/inject/src/metrics.rs").read_text()
    prefix = "sidestep_inject_"
    return {prefix + name.removeprefix(prefix) for name in re.findall(r'"([a-z_]+)"', text)}


def as_rules():
    """A rule file with one recording rule for each query of the dashboard."""
    rules = [{"record": f"panel:{at}:query", "expr": filled(query, "1m")} for at, (_, query) in enumerate(panels())]
    return {"groups": [{"name": "panels", "rules": rules}]}


if __name__ == "__main__":
    print(json.dumps(as_rules()))
