"""beside.py BINARIES ROUNDS [TEXT]: the engine's benchmarks on the CPU beside the same work in PyTorch, in turns, as a table of the
rows whose names hold TEXT.

BINARIES holds the test binaries matmul, attention and train. Both sides run on two threads. A figure is work for a second of both
threads' processor time, the best of the rounds: wall time on a machine that others use says what they do. So PyTorch's threads must
sleep, not spin, where they wait for each other.
"""
import os
import subprocess
import sys
import time

os.environ |= {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "gpukit"))
import torch
from peer import Decoder

THREADS = 2
torch.set_num_threads(THREADS)
binaries, rounds = sys.argv[1], int(sys.argv[2])
wanted = sys.argv[3] if len(sys.argv) > 3 else ""


def ours(package, bench):
    """Seconds of one operation, of both threads together, divided by their number."""
    parts = "/".join(f"^{p}$" for p in bench.split("/"))
    folder = {"matmul": "gpu/ops/matmul", "attention": "gpu/ops/attention", "train": "models/train"}[package]
    out = subprocess.run(
        [f"{binaries}/{package}", "-test.run", "^$", "-test.bench", parts, "-test.benchtime", "1s"],
        cwd=folder, env={**os.environ, "LP_NUM_THREADS": str(THREADS)}, capture_output=True, text=True, check=True,
    ).stdout
    for line in out.splitlines():
        words = line.split()
        if "cpu-s/op" in words:
            return float(words[words.index("cpu-s/op") - 1]) / THREADS
    raise SystemExit(f"{bench}: no cpu-s/op in\n{out}")


def theirs(run):
    run()
    n, begin, used = 0, time.perf_counter(), time.process_time()
    while n == 0 or time.perf_counter() - begin < 1:
        run()
        n += 1
    return (time.process_time() - used) / n / THREADS


def product(layout, dtype, m, n, k):
    a, b = torch.randn(m, k), torch.randn(n, k)
    a, b = a.to(dtype), b.to(dtype)
    if layout == "nn":
        b = b.T.contiguous().T
    if layout == "tn":
        a, b = a.T.contiguous().T, b.T.contiguous().T
    return lambda: a @ b.T


def attention(backward):
    q, k, v = (torch.randn(1, 12, 2048, 64, requires_grad=backward) for _ in range(3))
    run = lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    if not backward:
        return run
    o = run()
    g = torch.randn_like(o)
    return lambda: torch.autograd.grad(o, (q, k, v), g, retain_graph=True)


def decode(dtype, batch):
    """16 tokens of every sequence, as an operation of ours has, half way to 256."""
    net = Decoder().to(dtype)
    cache = [torch.zeros(2, batch, 12, 256, 64, dtype=dtype) for _ in net.blocks]
    tokens = torch.zeros(batch, 1, dtype=torch.long)

    @torch.no_grad()
    def run():
        for i in range(16):
            tokens.copy_(net(tokens, cache, 120 + i)[:, -1:].argmax(-1))

    return run


def train():
    """A forward and a backward pass of 8 x 256 tokens by 5M parameters."""
    net = Decoder(layers=6, d=256, heads=4, hidden=640, vocab=512)
    tokens = torch.randint(0, 512, (8, 257))

    def run():
        net.zero_grad()
        torch.nn.functional.cross_entropy(net(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten()).backward()

    return run


SQUARE = 2 * 768**3 / 1e9
SEEN = 4 * 12 * 64 * (2048 * 2049 / 2) / 1e9
f32, f16, bf16 = torch.float32, torch.float16, torch.bfloat16
ROWS = [  # name, unit, work of an operation, our package and benchmark, PyTorch's operation
    *((f"{l} f32 768x768x768", "GFLOP/s", SQUARE, "matmul", f"BenchmarkRecord/{l}/f32/m=768/n=768/k=768", lambda l=l: product(l, f32, 768, 768, 768)) for l in ("nt", "nn", "tn")),
    ("nt f16 768x768x768", "GFLOP/s", SQUARE, "matmul", "BenchmarkHalves/nt/f16/m=768/n=768/k=768", lambda: product("nt", f16, 768, 768, 768)),
    *(
        (f"{name}, {m} x 4096x4096", "G weights/s", 4096**2 / 1e9, "matmul", f"BenchmarkRecord/nt/{name}/m={m}/n=4096/k=4096", lambda t=t, m=m: product("nt", t, m, 4096, 4096))
        for name, t in (("f32", f32), ("f16", f16), ("bf16", bf16))
        for m in (1, 32)
    ),
    ("attention forward, 2048, 12 x 64", "GFLOP/s", SEEN, "attention", "BenchmarkTraining/forward/b=1/n=2048/h=12/dh=64", lambda: attention(False)),
    ("attention backward", "GFLOP/s", 2 * SEEN, "attention", "BenchmarkTraining/backward/b=1/n=2048/h=12/dh=64", lambda: attention(True)),
    *((f"decode 111M {name}, batch {n}", "tokens/s", 16 * n, "train", f"BenchmarkDecode/111M/{name}/batch={n}", lambda t=t, n=n: decode(t, n)) for name, t in (("f16", f16), ("bf16", bf16)) for n in (1, 32)),
    ("training step 5M f32, 8 x 256", "tokens/s", 8 * 256, "train", "BenchmarkTrainStep/5M/f32/recompute=false", train),
]


def main():
    print("| work | unit | ours | PyTorch | ours / PyTorch |\n|---|---|---|---|---|")
    for name, unit, work, package, bench, make in ROWS:
        if wanted not in name:
            continue
        run = make()
        pairs = [(ours(package, bench), theirs(run)) for _ in range(rounds)]
        a, b = (work / min(side) for side in zip(*pairs))
        print(f"| {name} | {unit} | {a:.3g} | {b:.3g} | {a / b:.2f} |", flush=True)


if __name__ == "__main__":
    main()
