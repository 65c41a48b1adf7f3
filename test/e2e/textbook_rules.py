"""The seed's rules (T2 to T7) in numbers, for a GPT with an MLP of width F: to hold the tool's formulas against."""

import contract

SIZES = [(1, 1), (1, 32), (64, 1024), (3, 7), (5, 1)]  # (B, N)
ROLES = ["q_proj", "k_proj", "v_proj", "qk", "scale", "mask", "softmax", "av", "out_proj", "mlp_up", "mlp_down"]


def full_pass(B, N, D, H, F, n):
    """Of a layer: role → (FLOPs, bytes)."""
    projection = (2 * B * N * D**2, n * (2 * B * N * D + D**2))
    return {
        "q_proj": projection,
        "k_proj": projection,
        "v_proj": projection,
        "qk": (2 * B * N**2 * D, n * (2 * B * N * D + H * B * N**2)),
        "scale": (H * B * N**2, 0),
        "mask": (H * B * N**2, n * 2 * H * B * N**2),
        "softmax": (3 * H * B * N**2, n * 2 * H * B * N**2),
        "av": (2 * B * N**2 * D, n * (H * B * N**2 + 2 * B * N * D)),
        "out_proj": projection,
        "mlp_up": (2 * B * N * D * F + B * N * F, n * (B * N * D + D * F + F + B * N * F)),
        "mlp_down": (2 * B * N * D * F + B * N * D, n * (B * N * F + D * F + D + B * N * D)),
    }


def step(B, N, D, H, F, n):
    """Of a layer, one new token a sequence, N positions with it: the figures of --view=decode."""
    weights = 4 * D**2 + 2 * D * F + F + D
    cache = 2 * B * D + 2 * B * N * D  # written once, read whole
    other = 8 * B * D + 4 * H * B * N + 2 * B * D + 2 * B * F
    return {
        "flops": 8 * B * D**2 + 4 * B * N * D + 4 * H * B * N + 4 * B * D * F + B * F + B * D,
        "bytes": n * (weights + cache + other),
        "weight_bytes": n * weights,
        "cache_bytes": n * cache,
        "other_bytes": n * other,
        "kv_cache_bytes": n * 2 * B * N * D,
    }


def check_full_pass(ledger, layers, *sizes):
    """A textbook ledger, role by role and in total; sizes: D, H, F, n."""
    role = {each["role"]: each for each in ledger["roles"]}
    assert sorted(role) == sorted(ROLES)
    for B, N in SIZES:
        at, rows = {"B": B, "N": N}, full_pass(B, N, *sizes)
        for name, (flops, size) in rows.items():
            assert contract.evaluate(role[name]["flops"], at) == layers * flops, (name, at)
            assert contract.evaluate(role[name]["bytes"], at) == layers * size, (name, at)
        assert contract.evaluate(ledger["flops"], at) == layers * sum(flops for flops, _ in rows.values())
        assert contract.evaluate(ledger["bytes"], at) == layers * sum(size for _, size in rows.values())
    assert ledger["exact"] is True


def check_step(decode, layers, *sizes):
    """decode.textbook; sizes: D, H, F, n."""
    for B, N in SIZES:
        for figure, expected in step(B, N, *sizes).items():
            assert contract.evaluate(decode[figure], {"B": B, "N": N}) == layers * expected, (figure, B, N)
    assert decode["exact"] is True
