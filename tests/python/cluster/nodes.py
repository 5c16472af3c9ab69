"""A Ray cluster on this machine: a head without CPUs, and nodes of one CPU each.

Prints its address, then a JSON line for each node: its id and the process id of its raylet. Each
line of stdin adds a node, with the environment that it names as JSON. Ends with stdin.
"""

import json
import sys

from ray.cluster_utils import Cluster

STORE_BYTES = 80 << 20


def main() -> None:
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    print(cluster.address, flush=True)
    # Of the same start, so that they come up together.
    nodes = [
        cluster.add_node(wait=False, num_cpus=1, object_store_memory=STORE_BYTES)
        for _ in range(int(sys.argv[1]))
    ]
    cluster.wait_for_nodes()
    for node in nodes:
        say(node)
    for line in sys.stdin:
        say(
            cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES, env_vars=json.loads(line))
        )
    cluster.shutdown()


def say(node: object) -> None:
    raylet = node.all_processes["raylet"][0].process.pid  # type: ignore[attr-defined]
    print(json.dumps([node.node_id, raylet]), flush=True)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
