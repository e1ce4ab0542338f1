"""An API server that is just enough for Helm: discovery, storage, watches, and the patches that Helm sends. It runs nothing."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import patches
import protobuf
import yaml
from kinds import GROUPS, KINDS, checks_fields, resource_of

NOT_FOUND = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404, "message": "not found"}


class Cluster:
    """A server with a version and its objects by path, on loopback until it is closed."""

    def __init__(self, version: str = "1.36", namespaces: tuple[str, ...] = ("sidestep",), pods: str = "Pending"):
        self.version = version
        self.pods = pods
        """The phase that every pod is in from the start."""
        self.closed = threading.Event()
        self.objects: dict[str, dict] = {}
        self.owners: dict[str, dict[tuple, str]] = {}
        self.requests: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        for namespace in namespaces:
            self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        handler = type("Handler", (Handler,), {"cluster": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self.server.shutdown()
        self.server.server_close()

    def kubeconfig(self) -> str:
        """As YAML: in JSON the engine would take it for the name of a file."""
        url = f"http://127.0.0.1:{self.server.server_address[1]}"
        return yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "stub",
            "clusters": [{"name": "stub", "cluster": {"server": url}}],
            "users": [{"name": "stub", "user": {}}],
            "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "stub"}}],
        })

    def put(self, value: dict) -> None:
        self.objects[path_of(value)] = value

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict | None:
        """The object that a client would read."""
        for value in self.objects.values():
            metadata = value["metadata"]
            if value["kind"] == kind and metadata["name"] == name and namespace in (None, metadata.get("namespace")):
                return value
        return None

    def own(self, value: dict, path: tuple, manager: str) -> None:
        """Somebody else has set this field by server-side apply."""
        self.owners.setdefault(path_of(value), {})[path] = manager

    def of_release(self) -> list[dict]:
        """All that is neither Helm's own storage nor a namespace."""
        return [value for value in self.objects.values()
                if value["kind"] != "Namespace" and value.get("type") != "helm.sh/release.v1"]


def path_of(value: dict) -> str:
    prefix, plural, namespaced = resource_of(value["apiVersion"], value["kind"])
    metadata = value["metadata"]
    place = f"/namespaces/{metadata['namespace']}" if namespaced else ""
    return f"{prefix}{place}/{plural}/{metadata['name']}"


class Handler(BaseHTTPRequestHandler):
    cluster: Cluster
    protocol_version = "HTTP/1.1"
    # An answer goes out in one piece; in two, the second waits for the client's delayed acknowledgement.
    wbufsize = -1

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, value: dict) -> None:
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        body = self.body()
        query = parse_qs(url.query)
        if "watch" in query and "sendInitialEvents" not in query:
            return self.watch(url.path)
        with self.cluster.lock:
            self.cluster.requests.append((self.command, url.path))
            found = discovery(url.path, self.cluster.version)
            if found is not None:
                return self.reply(200, found)
            act = {"GET": self.read, "POST": self.create, "PUT": self.replace, "PATCH": self.patch, "DELETE": self.delete}
            return act[self.command](url.path, query, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def read(self, path: str, query: dict, _: bytes) -> None:
        objects = self.cluster.objects
        if "sendInitialEvents" in query:
            # As from a server that has no streamed lists: the client then lists and watches.
            return self.reply(422, NOT_FOUND | {"reason": "Invalid", "code": 422, "message": "no streamed lists"})
        if path in objects:
            return self.reply(200, objects[path])
        kind = KINDS.get(path.rsplit("/", 1)[-1])
        if kind is None:
            return self.reply(404, NOT_FOUND)
        wanted = dict(pair.split("=", 1) for pair in query.get("labelSelector", [""])[0].split(",") if "=" in pair)
        items = [value for at, value in objects.items() if at.startswith(path + "/")
                 and wanted.items() <= (value["metadata"].get("labels") or {}).items()]
        return self.reply(200, {"kind": f"{kind[1]}List", "apiVersion": kind[0], "metadata": {}, "items": items})

    def watch(self, path: str) -> None:
        """What changes in a collection, until the server is closed or nobody listens any more."""
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        known: dict[str, str] = {}
        while not self.cluster.closed.wait(0.02):
            with self.cluster.lock:
                now = {at: json.dumps(value) for at, value in self.cluster.objects.items() if at.rpartition("/")[0] == path}
            events = [("MODIFIED" if at in known else "ADDED", value) for at, value in now.items() if known.get(at) != value]
            events += [("DELETED", known[at]) for at in known.keys() - now.keys()]
            known = now
            try:
                for kind, value in events:
                    self.wfile.write(json.dumps({"type": kind, "object": json.loads(value)}).encode() + b"\n")
                self.wfile.flush()
            except OSError:
                return

    def create(self, path: str, _: dict, body: bytes) -> None:
        value = sent(body)
        name = value["metadata"]["name"]
        at = f"{path}/{name}"
        _, _, inside = path.partition("/namespaces/")
        namespace = inside.split("/")[0]
        if namespace and f"/api/v1/namespaces/{namespace}" not in self.cluster.objects:
            return self.reply(404, NOT_FOUND | {"message": f'namespaces "{namespace}" not found'})
        if namespace:
            value["metadata"]["namespace"] = namespace
        if at in self.cluster.objects:
            return self.reply(409, NOT_FOUND | {"reason": "AlreadyExists", "code": 409, "message": f"{name} already exists"})
        value["metadata"].update(uid=at, resourceVersion=str(len(self.cluster.requests)))
        if value["kind"] == "Pod":
            value["status"] = {"phase": self.cluster.pods}
        self.cluster.objects[at] = value
        return self.reply(201, value)

    def replace(self, path: str, _: dict, body: bytes) -> None:
        old = self.cluster.objects[path]
        self.cluster.objects[path] = value = sent(body)
        value["metadata"]["namespace"] = old["metadata"].get("namespace")
        return self.reply(200, value)

    def patch(self, path: str, query: dict, body: bytes) -> None:
        kind, live = self.headers["content-type"], self.cluster.objects.get(path)
        if live is None and kind != patches.APPLY:
            return self.reply(404, NOT_FOUND)
        owners = self.cluster.owners.setdefault(path, {})
        try:
            value = patches.applied(kind, live, patches.parse(body), owners, query.get("fieldManager", [""])[0])
        except patches.Conflict as conflict:
            return self.reply(409, NOT_FOUND | {"reason": "Conflict", "code": 409, "message": str(conflict)})
        self.cluster.objects[path] = value
        return self.reply(200, value)

    def delete(self, path: str, _: dict, __: bytes) -> None:
        if self.cluster.objects.pop(path, None) is None:
            return self.reply(404, NOT_FOUND)
        return self.reply(200, {"kind": "Status", "apiVersion": "v1", "status": "Success"})


def sent(body: bytes) -> dict:
    return protobuf.secret(body) if body.startswith(protobuf.MAGIC) else json.loads(body)


def discovery(path: str, version: str) -> dict | None:
    """The answer about what there is, if the path asks for that."""
    if path == "/version":
        major, minor = version.split(".")
        return {"major": major, "minor": minor, "gitVersion": f"v{version}.0", "platform": "linux/amd64"}
    if path == "/openapi/v3":
        return {"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=1"}}}
    if path == "/openapi/v3/api/v1":
        return checks_fields("v1")
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [
            {"name": group, "versions": [{"groupVersion": f"{group}/{v}", "version": v}],
             "preferredVersion": {"groupVersion": f"{group}/{v}", "version": v}}
            for group, v in (name.split("/") for name in GROUPS if "/" in name)]}
    name = path.removeprefix("/apis/").removeprefix("/api/")
    if name not in GROUPS:
        return None
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": [
        {"name": plural, "singularName": "", "namespaced": namespaced, "kind": kind,
         "verbs": ["get", "list", "create", "update", "patch", "delete"]}
        for kind, (plural, namespaced) in GROUPS[name].items()]}
