"""Networks with the names and the arithmetic of the public edge-popup codes, sharing nothing with ours.

Masks are chosen as they do: flatten the magnitudes in OIHW order, sort them ascending, drop the first
``int((1 - density) * n)``. They sort as ``torch.sort`` pleases: on a GPU, where they train, that is stable; on a CPU
with wide vectors it leaves ties in an order of that machine.
"""

import torch
from torch import nn
from torch.nn import functional


class Masked(nn.Conv2d):
    """Convolution of frozen weights under the mask of the largest ``density`` of its scores.

    ``arithmetic``: ``constant`` weights of one magnitude; ``normal`` ones; ``biprop``, normal ones of which it takes
    the signs, times one magnitude.
    """

    def __init__(self, inputs, outputs, kernel, stride=1, bias=False, arithmetic="constant", density=0.3):
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, bias=bias)
        fan = inputs * kernel * kernel
        self.scores = nn.Parameter((2 * torch.rand_like(self.weight) - 1) / fan**0.5)
        nn.init.normal_(self.weight, std=(2 / fan) ** 0.5)
        if arithmetic == "constant":
            self.weight.data = self.weight.data.sign() * (2 / fan) ** 0.5
        self.weight.requires_grad = False
        self.arithmetic, self.density = arithmetic, density

    def kept(self):
        magnitudes = self.scores.abs().flatten()
        mask = torch.ones(len(magnitudes))
        mask[magnitudes.sort(stable=True)[1][: int((1 - self.density) * len(magnitudes))]] = 0
        return mask.view_as(self.weight)

    def forward(self, x):
        straight = self.scores.abs()
        mask = (self.kept() + straight - straight.detach()).to(x)
        weight = self.weight
        if self.arithmetic == "biprop":
            alpha = (weight.abs() * self.kept()).sum() / int(self.density * weight.numel())
            weight = weight.sign() * alpha
        return functional.conv2d(x, weight * mask, self.bias, self.stride, self.padding)


class Block(nn.Module):
    """Basic block, or with ``bottleneck`` one of three convolutions, with batch norms by iteration."""

    def __init__(self, inputs, inner, outputs, stride, bottleneck, iterations, projection, affine, **more):
        super().__init__()
        sizes = ((1, inner, 1), (3, inner, stride), (1, outputs, 1)) if bottleneck else (
            (3, inner, stride), (3, outputs, 1))
        self.places, self.iterations = len(sizes), iterations
        last = inputs
        for place, (kernel, width, step) in enumerate(sizes, 1):
            setattr(self, f"conv{place}", Masked(last, width, kernel, step, **more))
            if iterations is None:
                setattr(self, f"bn{place}", nn.BatchNorm2d(width, affine=affine))
            for t in range(iterations or 0):
                setattr(self, f"bnorm{place}_{t}", nn.BatchNorm2d(width))
            last = width
        self.projection = projection if stride != 1 or inputs != outputs else None
        if self.projection:
            beside = nn.Sequential(Masked(inputs, outputs, 1, stride, **more), nn.BatchNorm2d(outputs, affine=affine))
            setattr(self, projection, beside)

    def forward(self, x):
        for t in range(self.iterations or 1):
            y = x
            for place in range(1, self.places + 1):
                norm = f"bn{place}" if self.iterations is None else f"bnorm{place}_{t}"
                y = getattr(self, norm)(getattr(self, f"conv{place}")(y))
                y = functional.relu(y) if place < self.places else y
            x = functional.relu(y + (getattr(self, self.projection)(x) if self.projection else x))
        return x


class PublicNet(nn.Module):
    """Residual network; takes what :meth:`normalized` gives.

    ``widths`` are inner channels of the stages, ``counts`` their runs of blocks, ``folded`` those whose further runs
    are of one block. ``prefix`` is ``layer``, or ``stage_`` as in Hidden-Fold Networks.
    """

    def __init__(self, widths=(8, 16), counts=(1, 2), folded=(), bottleneck=False, prefix="layer", *, stem=3,
                 channels=1, classes=10, affine=False, projection="shortcut", mean=0.0, std=1.0, **more):
        super().__init__()
        self.mean, self.std = (torch.tensor(value).view(-1, 1, 1) for value in (mean, std))
        self.conv1 = Masked(channels, widths[0], stem, 1 if stem == 3 else 2, **more)
        self.bn1 = nn.BatchNorm2d(widths[0], affine=affine)
        self.pools, self.stages, last = stem != 3, [], widths[0]
        for stage, (inner, count) in enumerate(zip(widths, counts, strict=True), 1):
            outputs, blocks = inner * (4 if bottleneck else 1), []
            runs = [None] + ([count - 1] if stage in folded else [None] * (count - 1))
            for place, iterations in enumerate(runs):
                stride = 2 if stage > 1 and place == 0 else 1
                blocks.append(
                    Block(last, inner, outputs, stride, bottleneck, iterations, projection, affine, **more)
                )
                last = outputs
            self.stages.append(f"{prefix}{stage}")
            setattr(self, self.stages[-1], nn.Sequential(*blocks))
        self.fc = Masked(last, classes, 1, **{**more, "bias": False})

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, 2, 1) if self.pools else x
        for stage in self.stages:
            x = getattr(self, stage)(x)
        return self.fc(x.mean((2, 3), keepdim=True)).flatten(1)

    def normalized(self, images):
        """Of uint8 images (n, H, W, C)."""
        return (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - self.mean) / self.std

    @torch.no_grad()
    def settled(self, images):
        """Itself, in evaluation mode, with batch norms that have seen ``images``, and random gammas and betas."""
        generator = torch.Generator().manual_seed(3)
        for norm in self.modules():
            if isinstance(norm, nn.BatchNorm2d) and norm.affine:
                norm.weight.uniform_(0.5, 1.5, generator=generator)
                norm.bias.uniform_(-0.5, 0.5, generator=generator)
        self.train()
        for _ in range(10):
            self(self.normalized(images))
        return self.eval()

    @torch.no_grad()
    def logits(self, images):
        return self(self.normalized(images))

    def fitted(self, images, labels, epochs=6):
        """Itself, its scores trained."""
        optimizer = torch.optim.Adam([p for p in self.parameters() if p.requires_grad], lr=0.02)
        x, y = self.normalized(images), torch.from_numpy(labels)
        generator = torch.Generator().manual_seed(0)
        for epoch in range(epochs):
            optimizer.param_groups[0]["lr"] = 0.02 * (1 - epoch / epochs)
            for chosen in torch.randperm(len(x), generator=generator).split(64):
                optimizer.zero_grad()
                functional.cross_entropy(self(x[chosen]), y[chosen]).backward()
                optimizer.step()
        return self.eval()

    def accuracy(self, images, labels):
        return float((self.logits(images).argmax(1).numpy() == labels).mean())
