"""Reads an image archive as a container engine would, and holds it to what deploy/Dockerfile promises.

    layout.py ARCHIVE         an image for two architectures
    layout.py ARCHIVE ROOT    an image for one, whose root file system is unpacked to ROOT
"""
import gzip
import hashlib
import io
import json
import pathlib
import re
import sys
import tarfile

DOCKERFILE = pathlib.Path(__file__).resolve().parents[2] / "deploy/Dockerfile"
FILES = {
    "LICENSE": 0o644,
    "etc": 0o755,
    "etc/ssl": 0o755,
    "etc/ssl/certs": 0o755,
    "etc/ssl/certs/ca-certificates.crt": 0o644,
    "sidestep": 0o755,
}


class Archive:
    def __init__(self, path):
        with tarfile.open(path) as archive:
            self.entries = {entry.name: archive.extractfile(entry).read() for entry in archive if entry.isfile()}

    def json(self, path):
        return json.loads(self.entries[path])

    def blob(self, descriptor):
        content = self.entries["blobs/" + descriptor["digest"].replace(":", "/")]
        assert len(content) == descriptor["size"], descriptor
        assert "sha256:" + hashlib.sha256(content).hexdigest() == descriptor["digest"], descriptor
        return content


def final_stage():
    """The Dockerfile's last stage: instructions with their arguments."""
    text = DOCKERFILE.read_text().split("FROM scratch\n")[1]
    return re.findall(r"^([A-Z]+) (.*)$", text, re.M)


def check_config(config):
    said = final_stage()
    one = lambda name: next(rest for instruction, rest in said if instruction == name)
    assert config["User"] == one("USER"), config["User"]
    assert config["Entrypoint"] == json.loads(one("ENTRYPOINT")), config["Entrypoint"]
    assert config["Cmd"] == json.loads(one("CMD")), config["Cmd"]
    assert sorted(config["ExposedPorts"]) == one("EXPOSE").split(), config["ExposedPorts"]
    labels = dict(re.match(r'(\S+)="(.*)"', rest).groups() for instruction, rest in said if instruction == "LABEL")
    assert labels.items() < config["Labels"].items() and len(labels) == len(config["Labels"]) - 1, config["Labels"]
    assert int(config["User"].split(":")[0]) > 0, "it is root"
    copied = {rest.split()[-1].lstrip("/") for instruction, rest in said if instruction == "COPY"}
    assert copied == {path for path, mode in FILES.items() if mode == 0o644} | {"sidestep"}, copied


def check_docker(archive, manifest, name):
    """What an engine without OCI reads."""
    path = lambda descriptor: "blobs/" + descriptor["digest"].replace(":", "/")
    [image] = archive.json("manifest.json")
    assert image["Config"] == path(manifest["config"]), image
    assert image["Layers"] == [path(layer) for layer in manifest["layers"]], image
    assert name.endswith("/" + image["RepoTags"][0]), (name, image["RepoTags"])


def put(path, entry, tar):
    assert entry.isdir() or entry.isfile(), entry.name
    path.mkdir() if entry.isdir() else path.write_bytes(tar.extractfile(entry).read())
    path.chmod(entry.mode)


def unpack(archive, manifest, diff_ids, root):
    found = {}
    assert len(manifest["layers"]) == len(diff_ids)
    for descriptor, diff_id in zip(manifest["layers"], diff_ids):
        layer = gzip.decompress(archive.blob(descriptor))
        assert "sha256:" + hashlib.sha256(layer).hexdigest() == diff_id, diff_id
        with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
            for entry in tar:
                assert (entry.uid, entry.gid, entry.mtime) == (0, 0, 0), entry.name
                found[entry.name] = entry.mode
                put(root / entry.name, entry, tar)
    assert found == FILES, f"the image holds {found}"


def check_image(archive, top, root=None):
    """One architecture's image, down to its files."""
    manifest = json.loads(archive.blob(top))
    config = json.loads(archive.blob(manifest["config"]))
    assert (config["os"], config["architecture"]) == ("linux", top["platform"]["architecture"]), config
    check_config(config["config"])
    if root:
        unpack(archive, manifest, config["rootfs"]["diff_ids"], pathlib.Path(root))
    size = manifest["config"]["size"] + sum(layer["size"] for layer in manifest["layers"])
    assert size <= 8 << 20, f"{size} bytes compressed"
    print(f"layout: {config['architecture']}, {size} bytes compressed")
    return manifest


def main(path, root=None):
    archive = Archive(path)
    assert archive.json("oci-layout") == {"imageLayoutVersion": "1.0.0"}
    [top] = archive.json("index.json")["manifests"]
    if root:
        manifests = [check_image(archive, top, root)]
    else:
        several = json.loads(archive.blob(top))["manifests"]
        assert sorted(one["platform"]["architecture"] for one in several) == ["amd64", "arm64"], several
        manifests = [check_image(archive, one) for one in several]
    check_docker(archive, manifests[0], top["annotations"]["io.containerd.image.name"])


main(*sys.argv[1:])
