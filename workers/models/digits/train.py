"""Trains the image model `digits`: which digit is on a coloured tag of 32 x 32 pixels.

Its data comes with scikit-learn, so that nothing is fetched: 1,797 handwritten
digits of 8 x 8 pixels, enlarged, shifted and coloured at random. The network
is a small convolutional one, trained here in NumPy and written as ONNX. It is
the model by which image inference is measured, and no more than that.

    python workers/models/digits/train.py

writes 1/model.onnx, golden.jsonl and card.md beside this file. The same seed on
the same machine writes the same bytes.
"""
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

HERE = Path(__file__).parent
SEED = 20261122
EPOCHS = 40
BATCH = 64
CHANNELS = (3, 16, 32, 64)
# The images are in the order in which they were collected: the last are of other writers.
HELD_BACK = 360


def enlarge(images):
    """8 x 8 to 24 x 24, linear between pixel centres."""
    at = np.clip((np.arange(24) + 0.5) / 3 - 0.5, 0, 7)
    low = np.minimum(at.astype(int), 6)
    part = at - low
    weights = np.zeros((24, 8))
    weights[np.arange(24), low] = 1 - part
    weights[np.arange(24), low + 1] += part
    return np.einsum("ai,nij,bj->nab", weights, images, weights)


def tags(shapes, random):
    """Digits as coloured tags: placed at random, ink and paper of any two colours far enough apart."""
    count = len(shapes)
    placed = np.zeros((count, 32, 32))
    for index, (top, left) in enumerate(random.integers(0, 9, (count, 2))):
        placed[index, top : top + 24, left : left + 24] = shapes[index]
    paper = random.uniform(0, 1, (count, 3, 1, 1))
    ink = (paper + random.uniform(0.35, 0.65, (count, 3, 1, 1))) % 1
    noise = random.normal(0, 0.05, (count, 3, 32, 32))
    images = paper + (ink - paper) * placed[:, None] + noise
    return np.clip(images, 0, 1).astype(np.float32)


def initial(random):
    weights = {}
    for layer, (into, out) in enumerate(zip(CHANNELS, CHANNELS[1:]), start=1):
        weights[f"conv{layer}.weight"] = random.normal(0, np.sqrt(2 / (into * 9)), (out, into, 3, 3))
        weights[f"conv{layer}.bias"] = np.zeros(out)
    size = CHANNELS[-1] * 16
    weights["dense.weight"] = random.normal(0, np.sqrt(1 / size), (10, size))
    weights["dense.bias"] = np.zeros(10)
    return {name: value.astype(np.float32) for name, value in weights.items()}


def patches(images):
    count, channels, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return np.ascontiguousarray(windows.transpose(0, 2, 3, 1, 4, 5)).reshape(
        count * height * width, channels * 9
    )


def conv(images, weight, bias):
    columns = patches(images)
    count, _, height, width = images.shape
    flat = columns @ weight.reshape(len(weight), -1).T + bias
    return columns, flat.reshape(count, height, width, -1).transpose(0, 3, 1, 2)


def conv_back(gradient, columns, images, weight):
    count, channels, height, width = images.shape
    flat = gradient.transpose(0, 2, 3, 1).reshape(-1, len(weight))
    into = (flat @ weight.reshape(len(weight), -1)).reshape(count, height, width, channels, 3, 3)
    padded = np.zeros((count, channels, height + 2, width + 2), np.float32)
    for row in range(3):
        for column in range(3):
            padded[:, :, row : row + height, column : column + width] += into[
                :, :, :, :, row, column
            ].transpose(0, 3, 1, 2)
    return (
        (flat.T @ columns).reshape(weight.shape),
        flat.sum(0),
        padded[:, :, 1:-1, 1:-1],
    )


def forward(weights, images):
    trail = []
    for layer in range(1, len(CHANNELS)):
        columns, raw = conv(images, weights[f"conv{layer}.weight"], weights[f"conv{layer}.bias"])
        active = np.maximum(raw, 0)
        count, channels, height, width = active.shape
        quads = active.reshape(count, channels, height // 2, 2, width // 2, 2)
        pooled = quads.max((3, 5))
        trail.append((images, columns, raw, quads, pooled))
        images = pooled
    flat = images.reshape(len(images), -1)
    return flat @ weights["dense.weight"].T + weights["dense.bias"], flat, trail


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def gradients(weights, images, labels):
    logits, flat, trail = forward(weights, images)
    error = softmax(logits)
    error[np.arange(len(labels)), labels] -= 1
    error /= len(labels)
    found = {"dense.weight": error.T @ flat, "dense.bias": error.sum(0)}
    gradient = (error @ weights["dense.weight"]).reshape(trail[-1][4].shape)
    for layer in range(len(CHANNELS) - 1, 0, -1):
        images, columns, raw, quads, pooled = trail[layer - 1]
        spread = (quads == pooled[:, :, :, None, :, None]) * gradient[:, :, :, None, :, None]
        name = f"conv{layer}"
        found[f"{name}.weight"], found[f"{name}.bias"], gradient = conv_back(
            (spread.reshape(raw.shape) * (raw > 0)).astype(np.float32),
            columns,
            images,
            weights[f"{name}.weight"],
        )
    return found


def train(shapes, labels, random):
    weights = initial(random)
    first = {name: np.zeros_like(value) for name, value in weights.items()}
    second = {name: np.zeros_like(value) for name, value in weights.items()}
    step = 0
    for epoch in range(EPOCHS):
        images = tags(shapes, random)
        order = random.permutation(len(labels))
        rate = 0.002 * (1 - epoch / EPOCHS)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            step += 1
            for name, gradient in gradients(weights, images[rows], labels[rows]).items():
                first[name] = 0.9 * first[name] + 0.1 * gradient
                second[name] = 0.999 * second[name] + 0.001 * gradient**2
                mean = first[name] / (1 - 0.9**step)
                spread = second[name] / (1 - 0.999**step)
                weights[name] -= (rate * mean / (np.sqrt(spread) + 1e-8)).astype(np.float32)
    return weights


def to_onnx(weights):
    nodes, last = [], "image"
    for layer in range(1, len(CHANNELS)):
        name = f"conv{layer}"
        nodes += [
            helper.make_node("Conv", [last, f"{name}.weight", f"{name}.bias"], [name], pads=[1] * 4),
            helper.make_node("Relu", [name], [f"{name}.active"]),
            helper.make_node(
                "MaxPool", [f"{name}.active"], [f"{name}.pooled"], kernel_shape=[2, 2], strides=[2, 2]
            ),
        ]
        last = f"{name}.pooled"
    nodes += [
        helper.make_node("Flatten", [last], ["flat"]),
        helper.make_node("Gemm", ["flat", "dense.weight", "dense.bias"], ["logits"], transB=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["rows", 3, 32, 32])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["rows", 10])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="troupe", ir_version=8
    )
    onnx.checker.check_model(model)
    return model


def main():
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    random = np.random.default_rng(SEED)
    data = load_digits()
    shapes = enlarge(data.images / 16)
    weights = train(shapes[:-HELD_BACK], data.target[:-HELD_BACK], random)
    images, labels = tags(shapes[-HELD_BACK:], random), data.target[-HELD_BACK:]
    expected = softmax(forward(weights, images)[0])
    accuracy = float((expected.argmax(1) == labels).mean())
    content = to_onnx(weights).SerializeToString(deterministic=True)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (given,) = session.run(None, {"image": images})
    difference = float(np.abs(given - expected).max())
    if difference > 1e-4:
        raise SystemExit(f"ONNX differs from the trainer by {difference}")
    path = HERE / "1" / "model.onnx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    # Pixels as bytes keep the file small; both sides divide them by 255.
    pixels = np.round(images[:4] * 255).astype(np.uint8)
    golden = softmax(forward(weights, (pixels / np.float32(255)).astype(np.float32))[0])
    rows = [
        {"pixels": image.tobytes().hex(), "probabilities": [float(p) for p in row]}
        for image, row in zip(pixels, golden)
    ]
    (HERE / "golden.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    facts = {
        "accuracy": f"{accuracy:.3f}",
        "images": HELD_BACK,
        "bytes": f"{len(content):,}",
        "hash": hashlib.sha256(content).hexdigest(),
        "difference": f"{difference:.1e}",
        "parameters": f"{sum(value.size for value in weights.values()):,}",
    }
    card = (HERE / "card.template.md").read_text().format(**facts)
    (HERE / "card.md").write_text(card)
    print(json.dumps(facts, indent=1))


main()
