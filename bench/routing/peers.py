"""Solves one problem with one of the peers and prints what it found as JSON.

Reads from standard input what problem.ts writes: whole numbers only, node 0 the
depot. Prints {"version", "seconds", "routes"}, where a route is a list of nodes
and the seconds are those of the search itself, without reading and modelling.
"""

import json
import sys
import time
from importlib.metadata import version


def numpy_matrix(rows, dtype):
    import numpy

    return numpy.array(rows, dtype=dtype)


def solve_pyvrp(problem, seconds, seed):
    import pyvrp
    from pyvrp.stop import MaxRuntime

    nodes = problem["nodes"]
    timed = problem["timed"]

    def window(node):
        return {"tw_early": node["open"], "tw_late": node["close"]} if timed else {}

    data = pyvrp.ProblemData(
        locations=[pyvrp.Location(node["x"], node["y"]) for node in nodes],
        clients=[
            pyvrp.Client(
                at,
                delivery=[node["demand"]],
                service_duration=node["service"],
                **window(node),
            )
            for at, node in enumerate(nodes)
            if at > 0
        ],
        depots=[pyvrp.Depot(0, **window(nodes[0]))],
        vehicle_types=[
            pyvrp.VehicleType(problem["vehicles"], [problem["capacity"]], **window(nodes[0]))
        ],
        distance_matrices=[numpy_matrix(problem["distances"], "int64")],
        duration_matrices=[numpy_matrix(problem["durations"], "int64")],
    )
    began = time.monotonic()
    result = pyvrp.solve(data, MaxRuntime(seconds), seed=seed, collect_stats=False)
    took = time.monotonic() - began
    routes = []
    for route in result.best.routes():
        clients = [visit for visit in route.schedule() if visit.is_client()]
        routes.append([data.client(visit.idx).location for visit in clients])
    return took, routes


def solve_ortools(problem, seconds, seed):
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    nodes = problem["nodes"]
    manager = pywrapcp.RoutingIndexManager(len(nodes), problem["vehicles"], 0)
    model = pywrapcp.RoutingModel(manager)
    distance = model.RegisterTransitMatrix(problem["distances"])
    model.SetArcCostEvaluatorOfAllVehicles(distance)
    demand = model.RegisterUnaryTransitVector([node["demand"] for node in nodes])
    model.AddDimension(demand, 0, problem["capacity"], True, "load")
    if problem["timed"]:
        rides = [
            [ride + node["service"] for ride in row]
            for node, row in zip(nodes, problem["durations"])
        ]
        horizon = nodes[0]["close"]
        model.AddDimension(model.RegisterTransitMatrix(rides), horizon, horizon, False, "time")
        times = model.GetDimensionOrDie("time")
        for at, node in enumerate(nodes):
            if at > 0:
                times.CumulVar(manager.NodeToIndex(at)).SetRange(node["open"], node["close"])
    search = pywrapcp.DefaultRoutingSearchParameters()
    search.first_solution_strategy = (
        routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    )
    search.local_search_metaheuristic = (
        routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    )
    search.time_limit.FromMilliseconds(round(seconds * 1000))
    model.CloseModelWithParameters(search)
    began = time.monotonic()
    found = model.SolveWithParameters(search)
    took = time.monotonic() - began
    routes = []
    for vehicle in range(problem["vehicles"] if found else 0):
        index = found.Value(model.NextVar(model.Start(vehicle)))
        route = []
        while not model.IsEnd(index):
            route.append(manager.IndexToNode(index))
            index = found.Value(model.NextVar(index))
        if route:
            routes.append(route)
    return took, routes


def solve_vroom(problem, seconds, _seed):
    from datetime import timedelta

    import vroom

    nodes = problem["nodes"]
    model = vroom.Input()
    model.set_durations_matrix("car", numpy_matrix(problem["durations"], "uint32"))
    model.set_costs_matrix("car", numpy_matrix(problem["distances"], "uint32"))

    def window(node):
        return vroom.TimeWindow(node["open"], node["close"])

    timed = problem["timed"]
    hours = {"time_window": window(nodes[0])} if timed else {}
    for vehicle in range(problem["vehicles"]):
        model.add_vehicle(
            vroom.Vehicle(vehicle, start=0, end=0, capacity=[problem["capacity"]], **hours)
        )
    for at, node in enumerate(nodes):
        if at > 0:
            windows = {"time_windows": [window(node)]} if timed else {}
            model.add_job(
                vroom.Job(
                    at,
                    location=at,
                    default_service=node["service"],
                    delivery=vroom.Amount([node["demand"]]),
                    **windows,
                )
            )
    began = time.monotonic()
    solution = model.solve(exploration_level=5, nb_threads=1, timeout=timedelta(seconds=seconds))
    took = time.monotonic() - began
    table = solution.routes
    jobs = table[table["type"] == "job"]
    routes = [
        [int(location) for location in part["location_index"]]
        for _, part in jobs.groupby("vehicle_id", sort=False)
    ]
    return took, routes


SOLVERS = {"pyvrp": solve_pyvrp, "ortools": solve_ortools, "vroom": solve_vroom}


def main():
    order = json.load(sys.stdin)
    name = order["solver"]
    took, routes = SOLVERS[name](order["problem"], order["seconds"], order["seed"])
    package = "pyvroom" if name == "vroom" else name
    print(json.dumps({"version": version(package), "seconds": took, "routes": routes}))


main()
