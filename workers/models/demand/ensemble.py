"""Two boosted ensembles as one ONNX node: both horizons from one run, a row in, two figures out.

The trees give shares of the first feature, the scale of the row.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def largest_float32(threshold):
    """The largest float32 that is not above: a float32 feature falls to the same side of both."""
    near = np.float32(threshold)
    return np.nextafter(near, np.float32(-np.inf)) if near > threshold else near


def nodes_of(models):
    """Every node of every tree. scikit-learn keeps them in `_predictors`, which its version pins."""
    tree = 0
    for target, model in enumerate(models):
        for (predictor,) in model._predictors:
            for index, node in enumerate(predictor.nodes):
                yield target, tree, index, node
            tree += 1


def to_onnx(models, features):
    tree_nodes = {
        name: []
        for name in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")
    }
    leaves = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    for target, tree, index, node in nodes_of(models):
        is_leaf = bool(node["is_leaf"])
        for name, value in {
            "treeids": tree,
            "nodeids": index,
            "featureids": 0 if is_leaf else int(node["feature_idx"]),
            "modes": "LEAF" if is_leaf else "BRANCH_LEQ",
            "values": 0.0 if is_leaf else float(largest_float32(node["num_threshold"])),
            "truenodeids": 0 if is_leaf else int(node["left"]),
            "falsenodeids": 0 if is_leaf else int(node["right"]),
        }.items():
            tree_nodes[name].append(value)
        if is_leaf:
            leaves["treeids"].append(tree)
            leaves["nodeids"].append(index)
            leaves["ids"].append(target)
            leaves["weights"].append(float(node["value"]))
    nodes = [
        helper.make_node(
            "TreeEnsembleRegressor",
            ["features"],
            ["raw"],
            domain="ai.onnx.ml",
            n_targets=len(models),
            base_values=[float(model._baseline_prediction.item()) for model in models],
            aggregate_function="SUM",
            post_transform="NONE",
            **{f"nodes_{name}": values for name, values in tree_nodes.items()},
            **{f"target_{name}": values for name, values in leaves.items()},
        ),
        helper.make_node("Relu", ["raw"], ["share"]),
        helper.make_node("Gather", ["features", "first"], ["scale"], axis=1),
        helper.make_node("Mul", ["share", "scale"], ["demand"]),
    ]
    graph = helper.make_graph(
        nodes,
        "demand",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", features])],
        [helper.make_tensor_value_info("demand", TensorProto.FLOAT, ["rows", len(models)])],
        [numpy_helper.from_array(np.array([0], np.int64), "first")],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="troupe", ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)
