"""The same work in PyTorch, for the table beside ours: products, a decoder of 111M parameters at batch 1 and 32 with CUDA graphs, its training step."""
import time

import torch

def seconds(fn, n=20):
    for _ in range(3):
        fn()
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(n):
        fn()
    torch.cuda.synchronize()
    return (time.perf_counter() - begin) / n


class Decoder(torch.nn.Module):
    """Llama's block: 12 layers of width 768, 12 heads, gated 2048, 16384 tokens."""

    def __init__(self, layers=12, d=768, heads=12, hidden=2048, vocab=16384):
        super().__init__()
        self.heads, self.d = heads, d
        lin = lambda i, o: torch.nn.Linear(i, o, bias=False)
        self.embed = torch.nn.Embedding(vocab, d)
        self.blocks = torch.nn.ModuleList(
            torch.nn.ModuleDict(dict(n1=torch.nn.RMSNorm(d), qkv=lin(d, 3 * d), o=lin(d, d), n2=torch.nn.RMSNorm(d), g=lin(d, 2 * hidden), w=lin(hidden, d)))
            for _ in range(layers)
        )
        self.norm, self.head = torch.nn.RMSNorm(d), lin(d, vocab)

    def forward(self, t, cache=None, at=None):
        x = self.embed(t)
        b, n, _ = x.shape
        for i, l in enumerate(self.blocks):
            q, k, v = l["qkv"](l["n1"](x)).view(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            if cache is None:
                a = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            else:
                cache[i][0][:, :, at : at + 1], cache[i][1][:, :, at : at + 1] = k, v
                a = torch.nn.functional.scaled_dot_product_attention(q, cache[i][0][:, :, : at + 1], cache[i][1][:, :, : at + 1])
            x = x + l["o"](a.transpose(1, 2).reshape(b, n, -1))
            g, u = l["g"](l["n2"](x)).chunk(2, -1)
            x = x + l["w"](torch.nn.functional.silu(g) * u)
        return self.head(self.norm(x))


def main():
    dev = "cuda"
    print("torch", torch.__version__, torch.cuda.get_device_name())
    x = torch.empty(1 << 30, dtype=torch.uint8, device=dev)
    y = torch.empty_like(x)
    print(f"copy {2 * x.numel() / seconds(lambda: y.copy_(x)) / 1e9:.0f} GB/s")
    torch.backends.cuda.matmul.allow_tf32 = False
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        for m, n, k in ((768, 768, 768), (4096, 4096, 4096), (1, 4096, 4096), (8, 4096, 4096), (32, 4096, 4096)):
            a = torch.randn(m, k, device=dev, dtype=dtype)
            b = torch.randn(n, k, device=dev, dtype=dtype)
            print(f"product {dtype} {m}x{n}x{k} {2 * m * n * k / seconds(lambda: a @ b.T) / 1e9:.0f} GFLOP/s")
    for dtype in (torch.float16, torch.bfloat16):
        for batch in (1, 32):
            with torch.no_grad():
                net = Decoder().to(dev, dtype)
                cache = [torch.zeros(2, batch, 12, 512, 64, device=dev, dtype=dtype) for _ in net.blocks]
                tokens = torch.zeros(batch, 1, dtype=torch.long, device=dev)
                step = lambda: tokens.copy_(net(tokens, cache, 255).argmax(-1))
                step()
                torch.cuda.synchronize()
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):
                    step()
                print(f"decode {sum(p.numel() for p in net.parameters()) / 1e6:.0f}M {dtype} batch {batch} graph {batch / seconds(graph.replay, 50):.0f} tokens/s")
    net = Decoder().to(dev)
    opt = torch.optim.AdamW(net.parameters(), fused=True)
    tokens = torch.randint(0, 16384, (8, 257), device=dev)

    def train():
        with torch.autocast("cuda", torch.bfloat16):
            loss = torch.nn.functional.cross_entropy(net(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        opt.zero_grad()
        loss.backward()
        opt.step()

    print(f"train 8x256 bf16 {8 * 256 / seconds(train, 10):.0f} tokens/s")


if __name__ == "__main__":
    main()
