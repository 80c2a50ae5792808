"""Makes this folder's files: what torch.save writes, and what torch reads from it.

    pip install torch numpy safetensors omegaconf
    python make.py

Made with Python 3.11, torch 2.15.0, numpy 2.4, safetensors 0.8 and omegaconf 2.4.
Each tensor's expected values lie in expected.safetensors under FILE:NAME: floating-
point ones widened to float32, all others as their bytes. The metadata of that name
has its type and shape.
"""

import argparse
import collections
import json
import os
import pathlib
import zipfile

import numpy as np
import omegaconf
import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(1)
here = pathlib.Path(__file__).parent
expected, about = {}, {}

NAMES = {
    torch.bool: "BOOL", torch.uint8: "U8", torch.int8: "I8", torch.int16: "I16", torch.int32: "I32", torch.int64: "I64",
    torch.uint16: "U16", torch.uint32: "U32", torch.uint64: "U64", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.float32: "F32", torch.float64: "F64", torch.complex64: "C64", torch.complex128: "C128",
    torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2", torch.float8_e4m3fnuz: "F8_E4M3FNUZ",
    torch.float8_e5m2fnuz: "F8_E5M2FNUZ", torch.float8_e8m0fnu: "F8_E8M0",
}


def save(name, value, path=(), **options):
    """Saves value and notes the tensors of the dictionary at path in it."""
    torch.save(value, here / name, **options)
    note(name, path)


def note(name, path=()):
    tensors = torch.load(here / name, weights_only=False)
    for key in path:
        tensors = tensors[key]
    for key, t in tensors.items():
        if not isinstance(t, torch.Tensor):
            continue
        t = t.detach().contiguous()
        floats = t.dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)
        flat = t.reshape(-1)
        expected[f"{name}:{key}"] = (flat.float() if floats else flat.view(torch.uint8)).clone()
        about[f"{name}:{key}"] = json.dumps({"dtype": NAMES[t.dtype], "shape": list(t.shape)})


# All element types; of floating-point ones also the edges.
edges = torch.tensor([0.0, -0.0, 1.5, -2.0, 1e-7, 65504.0, 1e30, float("inf"), float("-inf"), float("nan"), 1 / 3, 2.0**-149])
dtypes = {str(d)[6:]: edges.to(d) for d in (torch.float16, torch.bfloat16, torch.float32, torch.float64)}
dtypes |= {str(d)[6:]: torch.tensor([0, 1, 2, 100]).to(d) for d in NAMES if not d.is_floating_point and not d.is_complex}
dtypes |= {str(d)[6:]: torch.tensor([[1.0, 2.0], [0.5, 4.0]]).to(d) for d in NAMES if d.is_complex or d.itemsize == 1 and d.is_floating_point}
save("dtypes.pt", dtypes)

# Views that share storages, and are not in row-major order.
base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
half = torch.arange(24).to(torch.float16).reshape(4, 6)
tied = nn.Parameter(torch.randn(2, 3))
save("views.pt", {
    "whole": base,
    "tail": base[2],
    "transposed": base.transpose(0, 2),
    "permuted": base.permute(1, 2, 0)[1:, ::2],
    "column": base[:, 1, 3],
    "every third": base.reshape(-1)[4::3],
    "half.t": half.t(),
    "half.middle": half[1:3, 2:5],
    "expanded": torch.tensor([7.0, 8.0]).reshape(2, 1).expand(2, 5),
    "one": torch.tensor([1.0]).expand(1, 1, 1),
    "scalar": torch.tensor(2.5, dtype=torch.float64),
    "empty": torch.zeros(0, 3),
    "channels last": torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last),
    "tied.a": tied,
    "tied.b": tied,
    "integers": torch.arange(6).reshape(2, 3).t(),
})


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 4)
        self.conv = nn.Conv2d(2, 3, 3)
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("mask", torch.ones(3, 3, dtype=torch.bool).tril())
        self.register_buffer("freqs", torch.polar(torch.ones(2, 2), torch.randn(2, 2)))


net = Net()
save("module.pt", net.state_dict())
for protocol in (3, 4, 5):
    save(f"protocol{protocol}.pt", net.state_dict(), pickle_protocol=protocol)

# What training scripts leave beside the weights.
noted = nn.Parameter(torch.ones(2))
noted.note = "an attribute"
tagged = torch.full((2,), 2.0)
tagged.note = "another"
rest = {
    "args": argparse.Namespace(lr=1e-3, dtype=torch.float32, device=torch.device("cpu"), out=pathlib.PurePosixPath("out")),
    "config": omegaconf.OmegaConf.create({"width": 4, "list": [1, 2], "name": "tiny", "nested": {"rate": 0.1}}),
    "steps": 3,
    "loss": 0.5,
    "name": "tiny",
    "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "params": [0]}]},
    "numpy": [np.float64(3), np.arange(3), np.int32(1), np.str_("x")],
    "kinds": [{1, 2}, frozenset({3}), 2**70, -5, -(2**40), b"abc", None, True, torch.Size([1, 2]), slice(1, 2), range(3), 1 + 2j],
    "counts": collections.defaultdict(list, a=[1]),
    "counter": collections.Counter("aab"),
}
weights = dict(net.state_dict(), noted=noted, tagged=tagged)
save("wrapped.pt", {"model": weights, **rest}, ("model",))
save("wrapped4.pt", {"model": weights, **rest}, ("model",), pickle_protocol=4)

# The same archive packed again, by deflate and without torch's padding.
with zipfile.ZipFile(here / "views.pt") as old, zipfile.ZipFile(here / "deflated.pt", "w", zipfile.ZIP_DEFLATED) as new:
    for entry in sorted(old.namelist()):
        new.writestr(zipfile.ZipInfo(entry), old.read(entry), zipfile.ZIP_DEFLATED)
note("deflated.pt")

# Files that are refused.
torch.save({"w": torch.ones(2)}, here / "legacy.pt", _use_new_zipfile_serialization=False)
torch.save(nn.Linear(2, 2), here / "object.pt")
torch.save({"w": torch.eye(3).to_sparse()}, here / "sparse.pt")


class Command:
    """Runs a command in whoever loads it with Python's pickle."""

    def __reduce__(self):
        return os.system, ("touch testdata/owned",)


torch.save({"w": torch.ones(2), "args": Command()}, here / "command.pt")
torch.save({"w": torch.ones(2), "args": Command()}, here / "command5.pt", pickle_protocol=5)
torch.jit.save(torch.jit.script(nn.Linear(2, 2)), here / "script.pt")

save_file(expected, here / "expected.safetensors", about)
