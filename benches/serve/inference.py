"""Asks a running server through Triton's client, by the Open Inference Protocol: tensors in and out, both encodings.

    python benches/serve/inference.py 127.0.0.1:8080 MODEL_NAME IMAGE...      # needs tritonclient[http]
"""

import pathlib
import sys

import numpy
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

if __name__ == "__main__":
    host, name, *paths = sys.argv[1:]
    client = http.InferenceServerClient(host)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(name)
    metadata = client.get_model_metadata(name)
    assert [tensor["name"] for tensor in metadata["outputs"]] == ["scores", "class", "verdict"], metadata
    files = numpy.array([pathlib.Path(path).read_bytes() for path in paths], dtype=object)
    images = http.InferInput("image", [len(files)], "BYTES")
    images.set_data_from_numpy(files)
    binary = client.infer(name, [images], request_id="7")
    scores, classes = binary.as_numpy("scores"), binary.as_numpy("class")
    assert binary.get_response()["id"] == "7" and scores.shape == (len(files), metadata["outputs"][0]["shape"][1])
    in_json = client.infer(name, [images], outputs=[http.InferRequestedOutput("scores", binary_data=False)])
    assert (in_json.as_numpy("scores") == scores).all() and in_json.as_numpy("class") is None
    try:
        client.infer(name + "-not", [images])
        raise SystemExit("a model that is not there has answered")
    except InferenceServerException as why:
        assert why.status() == "404", why
    for path, row, label in zip(paths, scores, classes):
        print(path, label.decode(), row)
