"""Makes this folder's checkpoints, and the values that torch reads from them.

    pip install torch numpy safetensors
    python make.py

Made with Python 3.11, torch 2.15.0 and safetensors 0.8. The tensors of all folders and
files but those named otherwise are the same; expected.json has them widened to float32.
"""

import argparse
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(1)
here = pathlib.Path(__file__).parent


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 4)
        self.blocks = nn.ModuleList(nn.Linear(4, 4, bias=i == 0) for i in range(2))
        self.register_buffer("steps", torch.tensor(7))


net = Net().to(torch.bfloat16)
net.blocks[1].half()
state = net.state_dict()
config = {"model_type": "toy", "hidden_size": 4, "architectures": ["Net"]}

floats = {k: v.float().flatten().tolist() for k, v in state.items() if v.is_floating_point()}
about = {k: {"dtype": {"torch.bfloat16": "BF16", "torch.float16": "F16", "torch.int64": "I64"}[str(v.dtype)], "shape": list(v.shape)} for k, v in state.items()}
(here / "expected.json").write_text(json.dumps({"tensors": about, "floats": floats}, indent=1) + "\n")


def folder(name, config=config):
    path = here / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    if config:
        (path / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    return path


def shard(path, form, save):
    """Writes three shards and their index, as transformers does."""
    names, stem = sorted(state), form.rsplit(".", 1)
    files = [f"{stem[0]}-{i + 1:05}-of-00003.{stem[1]}" for i in range(3)]
    where = {name: files[i % 3] for i, name in enumerate(names)}
    for file in files:
        save({name: state[name] for name in names if where[name] == file}, path / file)
    total = sum(v.nbytes for v in state.values())
    (path / f"{form}.index.json").write_text(json.dumps({"metadata": {"total_size": total, "note": "toy"}, "weight_map": where}, indent=2) + "\n")


def safetensors(tensors, path):
    save_file(tensors, path, metadata={"format": "pt"})


safetensors(state, here / "toy.safetensors")
safetensors(state, folder("whole") / "model.safetensors")
torch.save(state, folder("whole-torch") / "pytorch_model.bin")
shard(folder("sharded"), "model.safetensors", safetensors)
shard(folder("sharded-torch"), "pytorch_model.bin", torch.save)
both = folder("both")
safetensors(state, both / "model.safetensors")
torch.save({"wrong": torch.zeros(1)}, both / "pytorch_model.bin")
torch.save(state, folder("named") / "toy_384.pt")
several = folder("several")
torch.save(state, several / "a.pt")
safetensors(state, several / "b.safetensors")
torch.save(state, folder("unconfigured", None) / "toy.ckpt")

other = {k: v + 1 for k, v in state.items()}
args = argparse.Namespace(lr=1e-3, out="out")
wrap = lambda s, prefix: {prefix + k: v for k, v in s.items()}
torch.save({"model": state, "ema": other, "args": args, "steps": 3, "loss": 0.5, "name": "toy"}, here / "wrapped.pt")
torch.save({"module": wrap(state, "module._orig_mod."), "optimizer": {"state": {0: {"m": torch.zeros(1)}}}}, here / "module.pt")
torch.save({"ema": state, "epoch": torch.tensor(3)}, here / "ema.pt")
torch.save({"vae": state}, here / "vae.pt")
torch.save({"encoder": state, "trainer": {"decoder": other}}, here / "parts.pt")
torch.save([state], here / "list.pt")
torch.save({"steps": 3}, here / "empty.pt")
