"""The time of a U-GAT-IT training step, ours beside the reference's, which must agree in every loss.

    python -m tests.benchmarks.ugatit_step [--mixed-precision bf16]

The reference step is written here as it was published (Kim et al., arXiv 1907.10830, and its PyTorch code):
fakes are computed for the discriminators and again for the generators, nothing is detached, nothing frozen,
its networks are those of `tests.published_ugatit`, Adam is not fused, and everything is float32. Both steps
start from the same weights, see the same pictures, and take turns, so that a busy machine slows both. With
--cpu-time the time of this process counts, not that of the clock, for a machine that others use too.
"""

import argparse
import os
import statistics
import sys
import time

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F

from tests import published_ugatit
from training.recipes.ugatit import UGATIT, Settings, clip_rho

TOLERANCE = {"no": 1e-3, "bf16": 0.03}
"""Largest relative difference of a loss. Rounding grows from step to step."""


class Reference:
    """The published step on networks of its own."""

    def __init__(self, ours: dict[str, nn.Module], s: Settings) -> None:
        self.nets = networks = {name: published(name, network, s) for name, network in ours.items()}
        self.s = s
        generators = [p for n, net in networks.items() if n.startswith("gen") for p in net.parameters()]
        judges = [p for n, net in networks.items() if not n.startswith("gen") for p in net.parameters()]
        options = {"lr": s.learning_rate, "betas": (0.5, 0.999), "weight_decay": s.weight_decay}
        self.gen_optimizer = torch.optim.Adam(generators, **options)
        self.disc_optimizer = torch.optim.Adam(judges, **options)

    def step(self, real_a: Tensor, real_b: Tensor) -> dict[str, float]:
        nets = self.nets
        self.disc_optimizer.zero_grad()
        fake_b, fake_a = nets["gen_ab"](real_a)[0], nets["gen_ba"](real_b)[0]
        disc_a, disc_b = self.judge("a", real_a, fake_a), self.judge("b", real_b, fake_b)
        (disc_a + disc_b).backward()
        self.disc_optimizer.step()

        self.gen_optimizer.zero_grad()
        (fake_b, cam_ab, _), (fake_a, cam_ba, _) = nets["gen_ab"](real_a), nets["gen_ba"](real_b)
        rec_a, rec_b = nets["gen_ba"](fake_b)[0], nets["gen_ab"](fake_a)[0]
        (same_a, cam_aa, _), (same_b, cam_bb, _) = nets["gen_ba"](real_a), nets["gen_ab"](real_b)
        losses = {
            "gen_adversarial": self.fooled("a", fake_a) + self.fooled("b", fake_b),
            "cycle": F.l1_loss(rec_a, real_a) + F.l1_loss(rec_b, real_b),
            "identity": F.l1_loss(same_a, real_a) + F.l1_loss(same_b, real_b),
            "cam": sum(cross_entropy(c, 1) for c in (cam_ab, cam_ba))
            + sum(cross_entropy(c, 0) for c in (cam_aa, cam_bb)),
        }
        s = self.s
        weights = (s.adversarial_weight, s.cycle_weight, s.identity_weight, s.cam_weight)
        sum(w * loss for w, loss in zip(weights, losses.values(), strict=True)).backward()
        self.gen_optimizer.step()
        clip_rho(nets["gen_ab"])
        clip_rho(nets["gen_ba"])
        return {name: loss.item() for name, loss in (losses | {"disc_a": disc_a, "disc_b": disc_b}).items()}

    def judge(self, domain: str, real: Tensor, fake: Tensor) -> Tensor:
        judges = [self.nets[f"global_{domain}"], self.nets[f"local_{domain}"]]
        on_real, on_fake = [judge(real) for judge in judges], [judge(fake) for judge in judges]
        told = [(out, 1.0) for out in on_real] + [(out, 0.0) for out in on_fake]
        return sum(squares(out, truth) for out, truth in told)

    def fooled(self, domain: str, fake: Tensor) -> Tensor:
        judges = (self.nets[f"global_{domain}"], self.nets[f"local_{domain}"])
        return sum(squares(judge(fake), 1.0) for judge in judges)


def published(name: str, ours: nn.Module, s: Settings) -> nn.Module:
    """The published network of that name, with our weights and on our device."""
    if name.startswith("gen"):
        made = published_ugatit.Generator(s.size_px, s.light, s.channels, s.blocks)
    else:
        made = published_ugatit.Discriminator(7 if name.startswith("global") else 5, s.channels)
    device = next(ours.parameters()).device
    return published_ugatit.take(made.to(device), ours)


def squares(out: tuple[Tensor, Tensor, Tensor], truth: float) -> Tensor:
    patches, cam, _ = out
    return F.mse_loss(patches, torch.full_like(patches, truth)) + F.mse_loss(cam, torch.full_like(cam, truth))


def cross_entropy(logits: Tensor, truth: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth))


def compare(args: argparse.Namespace) -> tuple[float, float]:
    """Largest relative difference of a loss, and the ratio of the step times."""
    accelerator = Accelerator(cpu=args.device == "cpu", mixed_precision=args.mixed_precision)
    device = accelerator.device
    torch.manual_seed(0)
    settings = Settings(size_px=args.size_px, light=not args.full, channels=args.channels)
    ours = UGATIT(settings, {})
    for network in ours.networks.values():
        network.to(device)
    reference = Reference(ours.networks, settings)
    for name, network in ours.networks.items():
        if args.compile:
            network.compile()
        ours.networks[name] = accelerator.prepare(network)
    worst, times = 0.0, {"reference": [], "ours": []}
    for step in range(args.warmup + args.steps):
        real_a, real_b = (torch.rand(1, 3, args.size_px, args.size_px, device=device) * 2 - 1 for _ in "ab")
        start = now(args)
        expected = reference.step(real_a, real_b)
        middle = now(args)
        losses = ours.step({"real_a": real_a, "real_b": real_b}, accelerator)
        end = now(args)
        found = {name: loss.item() for name, loss in losses.items()}
        differences = {n: abs(found[n] - expected[n]) / abs(expected[n]) for n in expected}
        worst = max(worst, *differences.values())
        if step >= args.warmup:
            times["reference"].append(middle - start)
            times["ours"].append(end - middle)
        print(
            f"step {step + 1}: reference {middle - start:.3f} s, ours {end - middle:.3f} s, largest "
            f"difference of a loss {max(differences.values()):.1e}",
            flush=True,
        )
    reference_s, ours_s = (statistics.median(times[name]) for name in ("reference", "ours"))
    return worst, reference_s / ours_s


def now(args: argparse.Namespace) -> float:
    if args.device == "cuda":
        torch.cuda.synchronize()
    return time.process_time() if args.cpu_time else time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--size-px", type=int, default=128)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--full", action="store_true", help="the full generator instead of the light one")
    parser.add_argument("--steps", type=int, default=5, help="timed steps of each")
    parser.add_argument("--warmup", type=int, default=2, help="steps that are compared but not timed")
    parser.add_argument("--compile", action="store_true", help="compile our networks")
    parser.add_argument("--mixed-precision", choices=list(TOLERANCE), default="no", help="ours; never theirs")
    parser.add_argument("--cpu-time", action="store_true", help="count this process's own time")
    parser.add_argument("--threads", type=int, default=2)
    default = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", choices=["cpu", "cuda"], default=default)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    worst, ratio = compare(args)
    load = f", load average {os.getloadavg()[0]:.1f}"
    allowed = TOLERANCE[args.mixed_precision]
    precision = f"precision {args.mixed_precision}"
    print(f"{args.device}, {args.threads} threads, {precision}, torch {torch.__version__}{load}")
    print(f"largest relative difference of a loss: {worst:.1e} (allowed {allowed:.0e})")
    print(f"a reference step takes {ratio:.2f} times as long as ours (medians of {args.steps})")
    if worst > allowed:
        sys.exit("The losses differ.")


if __name__ == "__main__":
    main()
