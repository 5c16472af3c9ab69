"""A Ray cluster on this machine: a head without CPUs, and nodes of one CPU each.

Prints its address, then a JSON line for each node: its id and the process id of its raylet. Each
line of stdin adds a node, with the environment that it names as JSON. Ends with stdin.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from ray.cluster_utils import Cluster

STORE_BYTES = 80 << 20
WAIT_S = 180.0  # for a busy machine


def main() -> None:
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE_BYTES}
    cluster = patiently(lambda: Cluster(initialize_head=True, head_node_args=head))
    print(cluster.address, flush=True)
    # All are started before the first is waited for.
    nodes = [add(cluster, {}) for _ in range(int(sys.argv[1]))]
    for node in nodes:
        say(cluster, node)
    for line in sys.stdin:
        say(cluster, add(cluster, json.loads(line)))
    cluster.shutdown()


def add(cluster: Cluster, env: dict[str, str]) -> Any:
    """Starts a node with this environment."""
    return patiently(
        lambda: cluster.add_node(
            wait=False, num_cpus=1, object_store_memory=STORE_BYTES, env_vars=env
        )
    )


def patiently(start: Callable[[], Any]) -> Any:
    """Starts what Ray itself gives 30 seconds, which a busy machine may not have."""
    for _ in range(3):
        try:
            return start()
        except Exception as error:
            print(error, file=sys.stderr)
    return start()


def say(cluster: Cluster, node: Any) -> None:
    """Prints a node, once it is there."""
    cluster._wait_for_node(node, timeout=WAIT_S)
    raylet = node.all_processes["raylet"][0].process.pid
    print(json.dumps([node.node_id, raylet]), flush=True)


if __name__ == "__main__":
    main()
