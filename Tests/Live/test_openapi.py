# SPDX-License-Identifier: Apache-2.0
"""`GET /openapi.json` is true: by its own standard, of answers that are known, and of what schemathesis finds."""
import copy
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import jsonschema
import numpy as np
import openapi_spec_validator
import pytest
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from support.arrays import npy_bytes
from support.process import Server, clean_environment

FOLDER = Path(__file__).parent
CONFIG = """
data: ./data
volumes:
  small: {source: SOURCE}
"""
UNREACHABLE = """
volumes:
  gone: {source: ./nowhere}
"""


def put(server, name, array, query=""):
    body = npy_bytes(array)
    with server.connect() as wire:
        head = f"PUT /v1/volumes/{name}{query} HTTP/1.1\r\nHost: here\r\nContent-Type: application/x-npy\r\n"
        wire.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return wire.read("PUT")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A precomputed volume with mip 0 alone: 40 × 30 × 20 voxels in chunks of 16."""
    folder = tmp_path_factory.mktemp("small")
    size, chunk, key = (40, 30, 20), 16, "8_8_8"
    info = {
        "@type": "neuroglancer_multiscale_volume", "type": "image", "data_type": "uint8", "num_channels": 1,
        "scales": [{"key": key, "size": size, "voxel_offset": [0, 0, 0], "resolution": [8, 8, 8],
                    "chunk_sizes": [[chunk] * 3], "encoding": "raw"}],
    }
    (folder / "info").write_text(json.dumps(info))
    (folder / key).mkdir()
    voxels = np.arange(np.prod(size)).astype(np.uint8).reshape(size, order="F")
    for cell in np.ndindex(*(-(-n // chunk) for n in size)):
        ends = [(c * chunk, min((c + 1) * chunk, n)) for c, n in zip(cell, size)]
        name = "_".join(f"{a}-{b}" for a, b in ends)
        (folder / key / name).write_bytes(voxels[tuple(slice(a, b) for a, b in ends)].tobytes(order="F"))
    return folder


@pytest.fixture(scope="module")
def served(place):
    """A server of its own: schemathesis writes into its data folder."""
    with Server(config=CONFIG.replace("SOURCE", str(place))) as server:
        assert put(server, "kept", np.arange(24000, dtype=np.uint16).reshape(40, 30, 20)).status == 201
        yield server
        assert server.alive, server.log[-4000:]
        assert server.stop() == 0, server.log[-4000:]


@pytest.fixture(scope="module")
def document(served):
    reply = served.get("/openapi.json")
    assert reply.status == 200 and reply["Content-Type"] == "application/json"
    return json.loads(reply.body)


def test_the_document_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1.")
    openapi_spec_validator.validate(document)


def test_the_checker_refuses_a_document_with_a_hole(document):
    broken = copy.deepcopy(document)
    del broken["paths"]["/v1/pyramid"]["post"]["responses"]
    broken["paths"]["/v1/pyramid"]["post"]["parameters"][0].pop("in")
    with pytest.raises(OpenAPIValidationError):
        openapi_spec_validator.validate(broken)


def test_the_document_has_a_tag_and_a_head(served):
    reply = served.get("/openapi.json")
    assert served.get("/openapi.json", [("If-None-Match", reply["ETag"])]).status == 304
    head = served.get("/openapi.json", method="HEAD")
    assert (head.status, head["Content-Length"]) == (200, str(len(reply.body)))


def strict(document, name):
    """A schema of the document that takes no member which it does not name."""
    closed = copy.deepcopy(document["components"]["schemas"])
    pending = list(closed.values())
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if "properties" in node:
                node["additionalProperties"] = False
            pending += node.values()
    return {"$ref": f"#/components/schemas/{name}", "components": {"schemas": closed}}


@pytest.mark.parametrize("target,name", [
    ("/v1/volumes", "VolumeList"), ("/v1/volumes/small", "Volume"), ("/v1/volumes/kept", "Volume"),
    ("/healthz", "Status"), ("/readyz", "Status"), ("/version", "Version"),
    ("/v1/volumes/nobody", "Problem"), ("/v1/volumes/small?x=1", "Problem"),
])
def test_every_member_of_an_answer_is_described(target, name, served, document):
    jsonschema.Draft202012Validator(strict(document, name)).validate(json.loads(served.get(target).body))


def test_a_volume_without_its_source_is_described(document):
    with Server(config=UNREACHABLE) as server:
        for target, name, status in (("/v1/volumes/gone", "Volume", 200), ("/precomputed/gone/info", "Problem", 502)):
            reply = server.get(target)
            assert reply.status == status
            jsonschema.Draft202012Validator(strict(document, name)).validate(json.loads(reply.body))
            template = "/precomputed/{name}/info" if status == 502 else "/v1/volumes/{name}"
            assert str(status) in document["paths"][template]["get"]["responses"]


def operations(document, method):
    return [path for path, item in document["paths"].items() if method in item]


KNOWN = {
    "name": "small", "file": "main.mjs", "scale": "8_8_8", "chunk": "0-16_0-16_0-16", "key": "0/.zarray",
}


def test_get_of_everything_answers_as_described(served, document):
    """With names that there are, each GET and HEAD is a 200 of a described type with the described fields."""
    for path in operations(document, "get"):
        target = path.format(**KNOWN)
        described = document["paths"][path]["get"]["responses"]["200"]
        reply = served.get(target)
        assert reply.status == 200, (target, reply)
        types = {key.split(";")[0] for key in described["content"]}
        assert reply["Content-Type"].split(";")[0] in types, (target, reply.fields)
        for name, field in described["headers"].items():
            assert not field.get("required") or reply[name], (target, name)
        head = served.get(target, method="HEAD")
        assert (head.status, head["Content-Type"]) == (200, reply["Content-Type"])


def test_nothing_beside_the_document_is_answered(served, document):
    """The words of a 404 name the same paths."""
    detail = served.get("/nothing").problem["detail"]
    assert all(path in detail for path in document["paths"])
    for path, item in document["paths"].items():
        allow = {name.strip().lower() for name in served.get(path.format(**KNOWN), method="OPTIONS")["Allow"].split(",")}
        assert allow == set(item) | {"options"}, path


def answers(report):
    """What schemathesis was answered: an operation and a status, once for each time."""
    def statuses(node):
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
        found = [node["status_code"]] if isinstance(node, dict) and "status_code" in node else []
        return found + [status for child in children for status in statuses(child)]

    events = [event for line in report.read_text().splitlines() for event in json.loads(line).values()]
    recorders = [event["recorder"] for event in events if isinstance(event, dict) and event.get("recorder")]
    return Counter((recorder["label"], status) for recorder in recorders for status in statuses(recorder))


# It would need the document to say what it cannot: how shape, dtype, mips and the body go together.
LEFT_OUT = "positive_data_acceptance"


def test_schemathesis_finds_no_answer_that_is_not_described(served, tmp_path, figure):
    """Chosen by chance but always the same. HEAD is left to the test above: it is GET once more."""
    assert put(served, "spare", np.ones((9, 8, 7), np.uint32), "?kind=segmentation").status == 201
    # TRACE is no method that the service knows: RFC 9110 section 9.1 has 501 for it, schemathesis 405.
    # Whatever is wrong with a request, one of its mistakes is named: any 4xx will do.
    (tmp_path / "schemathesis.toml").write_text(
        '[phases.coverage]\nunexpected-methods = ["PATCH", "POST"]\n'
        '[checks.negative_data_rejection]\nexpected-statuses = ["4xx"]\n'
    )
    report = tmp_path / "report.ndjson"
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", tmp_path / "schemathesis.toml", "run",
         served.url + "/openapi.json", "--seed", "1", "--max-examples", "8", "--workers", "1", "--exclude-method", "HEAD",
         "--phases", "examples,coverage,fuzzing", "--exclude-checks", LEFT_OUT, "--continue-on-failure",
         "--no-shrink", "--request-timeout", "30", "--generation-database", "none", "--no-color",
         "--report", "ndjson", "--report-ndjson-path", report],
        capture_output=True, text=True, timeout=240, cwd=tmp_path,
        env=clean_environment(SCHEMATHESIS_HOOKS="openapi_bodies", PYTHONPATH=str(FOLDER)),
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-20000:]
    seen = answers(report)
    for success in (("POST /v1/pyramid", 200), ("PUT /v1/volumes/{name}", 201), ("DELETE /v1/volumes/{name}", 204),
                    ("GET /precomputed/{name}/{scale}/{chunk}", 200), ("GET /zarr/{name}/{key}", 200),
                    ("GET /v1/volumes/{name}/cutout", 200), ("GET /v1/volumes/{name}/preview.png", 200)):
        assert seen[success], f"nothing but refusals of {success}: {seen}"
    figure(f"schemathesis: {sum(seen.values())} answers, {len(seen)} kinds of them")
