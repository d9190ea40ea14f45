"""Triton's own client against a server of the Open Inference Protocol: prints what it saw as JSON."""

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

client = triton.InferenceServerClient(url=sys.argv[1])
seen = {
    "live": client.is_server_live(),
    "ready": client.is_server_ready(),
    "modelReady": client.is_model_ready("scale"),
    "otherReady": client.is_model_ready("scale", "9"),
    "server": client.get_server_metadata()["name"],
    "metadata": client.get_model_metadata("scale"),
    "index": client.get_model_repository_index(),
}


def infer(binary_in, binary_out, version="", rows=3):
    values = np.arange(rows * 2, dtype=np.float32).reshape(rows, 2)
    tensor = triton.InferInput("x", list(values.shape), "FP32")
    tensor.set_data_from_numpy(values, binary_data=binary_in)
    wanted = [triton.InferRequestedOutput("y", binary_data=binary_out)]
    answer = client.infer("scale", [tensor], model_version=version, outputs=wanted, request_id="r-1")
    return {
        "id": answer.get_response()["id"],
        "version": answer.get_response()["model_version"],
        "values": answer.as_numpy("y").tolist(),
    }


seen["infer"] = [infer(i, o) for i in (True, False) for o in (True, False)]
seen["versioned"] = infer(True, True, version="1")

tensor = triton.InferInput("index", [2, 1], "INT64")
tensor.set_data_from_numpy(np.array([[3], [4]], dtype=np.int64))
seen["whole"] = client.infer("look-up", [tensor], priority=1, timeout=5_000_000).as_numpy("y").tolist()

pending = [client.async_infer("look-up", [tensor]) for _ in range(20)]
seen["async"] = sum(one.get_result().as_numpy("y").tolist() == seen["whole"] for one in pending)

try:
    infer(True, True, rows=100)
except InferenceServerException as error:
    seen["refused"] = {"status": error.status(), "message": error.message()}

client.unload_model("look-up")
seen["unloaded"] = client.is_model_ready("look-up")
client.load_model("look-up")
seen["loaded"] = client.is_model_ready("look-up")
try:
    client.load_model("none")
except InferenceServerException as error:
    seen["missing"] = {"status": error.status(), "message": error.message()}

print(json.dumps(seen))
