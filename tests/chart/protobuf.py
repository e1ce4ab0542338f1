"""Secrets in the binary form in which Helm's client sends them. Of an object only what its storage needs."""

from __future__ import annotations

import base64

MAGIC = b"k8s\0"


def fields(data: bytes) -> list[tuple[int, bytes | int]]:
    """Field numbers and values of one message."""
    found, place = [], 0
    while place < len(data):
        tag, place = varint(data, place)
        if tag & 7 == 0:
            value, place = varint(data, place)
        elif tag & 7 == 2:
            length, place = varint(data, place)
            value, place = data[place:place + length], place + length
        else:
            raise ValueError(f"wire type {tag & 7}")
        found.append((tag >> 3, value))
    return found


def varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place


def entries(message: list[tuple[int, bytes | int]], number: int) -> dict[str, bytes]:
    """A map field."""
    pairs = [dict(fields(value)) for found, value in message if found == number]
    return {pair[1].decode(): pair.get(2, b"") for pair in pairs}


def secret(body: bytes) -> dict:
    """The Secret in a request. Numbers are those of k8s.io/api/core/v1/generated.proto."""
    unknown = dict(fields(body.removeprefix(MAGIC)))
    kind = dict(fields(unknown[1]))
    assert kind[2] == b"Secret", kind
    message = fields(unknown[2])
    told = fields(dict(message)[1])
    meta = dict(told)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": meta[1].decode(),
            "namespace": meta.get(3, b"").decode(),
            "labels": {key: value.decode() for key, value in entries(told, 11).items()},
        },
        "type": dict(message)[3].decode(),
        "data": {key: base64.b64encode(value).decode() for key, value in entries(message, 2).items()},
    }
