"""Random steps of training, as text, and worlds that they live in: networks, optimisers, states in lists, numbers given back.

Statements are drawn from a list, and so are the changes that come between calls, so that hooks, frozen parts, gradients and
states that share memory, modes and options meet in all orders. Many steps raise, somewhere in the middle.
"""

import linecache
import random

import pullback as pb

nn, F, optim = pb.nn, pb.nn.functional, pb.optim

HEAD = """
def lossy(x, y):
    return F.mse_loss(net(x), y)

@pb.no_grad()
def average(rate=0.1):
    for p, q in zip(net.parameters(), other.parameters()):
        q.lerp_(p, rate)

def step(x, y, n=2):
    found, total = [], 0.0
    loss = lossy(x, y)
    z = x.clone().requires_grad_()
"""

STATEMENTS = """
optimizer.zero_grad()
optimizer.zero_grad(set_to_none=False)
net.zero_grad()
loss.backward()
loss.backward()
loss.backward(retain_graph=True)
loss.backward(inputs=list(net[0].parameters()))
loss = lossy(x, y)
loss = lossy(x, y) + (w * kept[0]).sum()
loss = (w * x).square().mean()
loss = loss + 0.01 * sum(p.square().sum() for p in net.parameters())
optimizer.step()
optimizer.step()
second.step()
second.zero_grad()
average()
average(rate=more['rate'])
net.train()
net.eval()
net.train(net.training)
total += loss.item()
total = total / n
found.append(loss.item())
found.append(x.sum().item() * 2 - 1)
found.append((y > 0).sum().item() / len(y))
found.append(w.grad)
found.append(kept[0])
found.append(w.detach())
found.append([k for k, p in net.named_parameters() if p.grad is None])
found.append(w.requires_grad)
found.append(loss.detach())
found.append(h)
total = sum(found[:0]) + total
kept[0].mul_(0.9).add_(x.detach().mean(0))
kept[0] += 1
kept[1] *= 0.5
more['seen'] += 1
more['seen'].add_(loss.detach())
with pb.no_grad(): w.sub_(0.1 * x.detach().mean(0))
with pb.no_grad(): w -= 0.1 * w.grad if w.grad is not None else 0.0
with pb.no_grad(): w[1:] *= 0.9
with pb.no_grad(): w.view(-1)[0] = 0.5
with pb.no_grad(): kept[1].copy_(w)
w.data.clamp_(-1, 1)
w.data = w.data * 0.9
w.data = kept[0]
w.grad = None
w.grad = kept[0].clone()
w.grad = x.detach().mean(0)
w.grad = kept[0]
if w.grad is not None: w.grad.zero_()
if w.grad is not None: w.grad.mul_(0.5)
if w.grad is not None: found.append(w.grad.norm().item())
w.requires_grad_(False)
w.requires_grad_(True)
w.requires_grad = n == 2
net[0].requires_grad_(n > 2)
for p in net.parameters(): p.requires_grad_()
z.grad = kept[0].expand(5, 4).clone()
z.grad = x.detach(); (z * z).sum().backward()
z.grad = kept[0] * x.detach(); (z * z).sum().backward(inputs=[z])
w.grad = kept[0]; (z * w).sum().backward()
w.grad = None; loss = loss + (w * x).mean(); loss.backward(); kept[1].add_(w.grad); w.grad.zero_()
w.requires_grad_(False); loss = loss + (w * x).mean(); w.requires_grad_(True)
h.mul_(w); h.sum().backward(); h.detach_()
found.append((loss.item() > 0) is True)
(z * z).sum().backward()
(z * w).sum().backward()
loss = loss + (z * w).mean()
if z.grad is not None: found.append(z.grad * 1)
x.mul_(0.5)
x[0] = 0.0
x[x > 1] = 1.0
y.add_(x.detach()[:, :1])
h.mul_(0.9).add_(x.detach()[0])
h.mul_(w)
h.detach_()
loss = loss + (h * x[0]).sum()
g = pb.autograd.grad(lossy(x, y), list(net.parameters()), allow_unused=True); found.append(g[0])
g, = pb.autograd.grad((w * x).sum().square(), w, create_graph=True); loss = loss + g.square().sum()
nn.utils.clip_grad_norm_(net.parameters(), 0.5)
nn.utils.clip_grad_value_(net.parameters(), 0.5)
if n > 2: loss = loss * 2
if loss > 1: kept[1] += 1
if flag: optimizer.zero_grad()
total += 1.0 if loss < 1 else 0.5
with pb.set_grad_enabled(flag): loss = lossy(x, y)
with pb.no_grad(): found.append(net(x).mean().item())
x = x * 1.0
x = x + pb.randn(5, 4) * 0.1
x = F.dropout(x, 0.3)
x = F.relu(x * 1.0, inplace=True)
y = other(x).detach()
y = norm(y)
for u, v in zip(x.split(3), y.split(3)): total += lossy(u, v).item()
loss = loss + bad if n > 2 else loss
kept[0][n] = 2.0
found.append(table(pb.tensor([1, n])).sum().item())
for b in net.buffers(): found.append(b.float().mean().item())
for p in other.parameters(): p.data.mul_(0.99)
pb.autograd.backward([loss, (w * 2).sum()])
w.backward(pb.ones(4))
found.append(loss is None)
found.append(w.is_leaf)
""".strip().splitlines()

CHANGES = {
    "lr": lambda s, v: s["optimizer"].param_groups[0].__setitem__("lr", v),
    "freeze": lambda s, v: s["net"][0].requires_grad_(v > 0.5),
    "freeze w": lambda s, v: s["w"].requires_grad_(v > 0.5),
    "mode": lambda s, v: s["net"].train(v > 0.5),
    "no gradients": lambda s, v: [setattr(p, "grad", None) for p in s["net"].parameters()],
    "a gradient": lambda s, v: setattr(s["w"], "grad", pb.full((4,), v)),
    "a gradient that is a state": lambda s, v: setattr(s["w"], "grad", s["kept"][0]),
    "states that are one": lambda s, v: s["kept"].__setitem__(1, s["kept"][0].detach()),
    "a state that is a parameter": lambda s, v: s["kept"].__setitem__(0, s["w"].detach()),
    "a state that is a part": lambda s, v: s["kept"].__setitem__(1, pb.full((9,), v)[1:5]),
    "a state that has a history": lambda s, v: s.__setitem__("h", pb.full((4,), v).requires_grad_() * 2),
    "new states": lambda s, v: s["kept"].__setitem__(slice(None), [pb.full((4,), v), pb.full((4,), v)]),
    "a hook": lambda s, v: s["w"].requires_grad and s["hooks"].append(s["w"].register_hook(lambda g: g * v)),
    "a hook of a module": lambda s, v: s["hooks"].append(
        s["net"][1].register_forward_hook(lambda m, i, o: o * v)
    ),
    "no hooks": lambda s, v: [s["hooks"].pop().remove() for _ in s["hooks"][:]],
    "another parameter": lambda s, v: s.__setitem__("w", nn.Parameter(pb.full((4,), v))),
    "tied": lambda s, v: setattr(s["other"][0], "weight", s["net"][0].weight),
    "flag": lambda s, v: s.__setitem__("flag", not s["flag"]),
    "no state": lambda s, v: s["optimizer"].state.clear(),
    "loaded": lambda s, v: s["net"].load_state_dict({k: t * v for k, t in s["other"].state_dict().items()}),
    "rate": lambda s, v: s["more"].__setitem__("rate", v),
    "a slow layer": lambda s, v: s["net"].__setitem__(3, nn.Linear(8, 1)),
}


def source_of(seed):
    """A step as text."""
    draws = random.Random(seed)
    usual = ["optimizer.zero_grad()", "loss.backward()", "optimizer.step()"] if draws.random() < 0.5 else []
    lines = draws.choices(STATEMENTS, k=draws.randint(1, 7))
    for at, line in enumerate(usual):
        lines.insert(draws.randint(at, len(lines)), line)
    result = draws.choice(
        ["loss", "loss.item()", "found, total", "found", "{'loss': loss.item(), 'n': n}", "None"]
    )
    return HEAD + "".join(f"    {line}\n" for line in [*lines, f"return {result}"])


class World:
    """What a step sees."""

    def __init__(self, source, compiled, file):
        def network():
            return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Linear(8, 1))

        net = network()
        w = nn.Parameter(pb.randn(4))
        self.space = {
            "pb": pb,
            "F": F,
            "nn": nn,
            "net": net,
            "other": network().requires_grad_(False),
            "norm": nn.BatchNorm1d(1),
            "table": nn.Embedding(3, 2),
            "w": w,
            "h": pb.ones(4),
            "kept": [pb.zeros(4), pb.ones(4)],
            "more": {"seen": pb.zeros(()), "rate": 0.2},
            "bad": pb.zeros(7, 3),
            "flag": True,
            "hooks": [],
            "optimizer": optim.SGD([*net.parameters(), w], lr=0.05, momentum=0.5),
            "second": optim.Adam(net[3:].parameters(), lr=0.01),
        }
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        exec(compile(source, file, "exec"), self.space)
        step = self.space["step"]
        self.call = pb.compile(step) if compiled else step

    def change(self, what, value):
        """One of the changes that may come between calls."""
        CHANGES[what](self.space, value)

    def things(self):
        """All that a call may change."""
        names = "net other norm w h kept more optimizer second".split()
        return [self.space[name] for name in names]
