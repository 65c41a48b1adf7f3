"""Where a graph holds other matrix products than the torch model that torch's counter counted, node by node.

DIFFERENCES: {model: (what the graph has more, an expression in the dims of its flops.json; the nodes that explain it)}.
A graph that is not here agrees to the FLOP.
"""

DIFFERENCES = {}
