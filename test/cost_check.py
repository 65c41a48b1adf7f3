"""The graph ledger of xf-analyze against the count of cost_oracle.py, in total and node by node."""

import contract
import cost_oracle


def check_costs(path, binding, shapes=None):
    """shapes: those of the inputs, where the binding's dims do not say them."""
    model = cost_oracle.load(path)
    inputs = cost_oracle.feeds(model, shapes or cost_oracle.dims_of(model, binding))
    state = cost_oracle.count(cost_oracle.run(model, inputs))
    report = contract.analyze(path, "--ledger=graph", "--view=nodes")
    symbols = contract.binding_of(report["symbols"], binding)

    def value(expression):
        return None if expression is None else contract.evaluate(expression, symbols)

    nodes = {node["outputs"][0]["name"]: node for node in report["nodes"]}
    wrong = []
    for output, expected in state.counts.items():
        node = nodes[output]
        found = tuple(value(node[figure]) for figure in ("flops", "bytes_read", "bytes_written"))
        if found != (expected.matrix + expected.vector, expected.read, expected.written):
            wrong.append(f"{node['op']} {node['name']}: (FLOPs, bytes read, written) {found}, counted {expected}")
    assert not wrong, f"{len(wrong)} of {len(nodes)} nodes at {binding}: " + "; ".join(wrong[:10])
    ledger, total = report["ledgers"]["graph"], cost_oracle.total(state)
    found = tuple(value(ledger[figure]) for figure in ("matrix_flops", "flops", "bytes_read", "bytes_written"))
    assert found == (total.matrix, total.matrix + total.vector, total.read, total.written)
