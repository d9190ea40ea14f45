"""The same model behind the same protocol in Python: uvicorn with uvloop and httptools, starlette, ONNX Runtime."""

import sys

import numpy as np
import onnxruntime as ort
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

path, port = sys.argv[1], int(sys.argv[2])
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
INPUT, OUTPUT = session.get_inputs()[0].name, session.get_outputs()[0].name


async def infer(request):
    asked = orjson.loads(await request.body())
    tensor = asked["inputs"][0]
    values = np.array(tensor["data"], dtype=np.float32).reshape(tensor["shape"])
    (result,) = session.run([OUTPUT], {INPUT: values})
    answer = {
        "model_name": "demand",
        "model_version": "1",
        "outputs": [
            {
                "name": OUTPUT,
                "datatype": "FP32",
                "shape": list(result.shape),
                "data": result.ravel().tolist(),
            }
        ],
    }
    return Response(orjson.dumps(answer), media_type="application/json")


app = Starlette(routes=[Route("/v2/models/demand/infer", infer, methods=["POST"])])
uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)
