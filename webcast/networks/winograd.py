"""3x3 convolutions by Winograd's minimal filtering, for processors on which multiplications are what costs.

Paper: Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks" (2015, arXiv 1509.09308), F(4x4, 3x3).
A tile of 4x4 outcomes takes 36 multiplications a channel pair where the plain sum takes 144; they are 36
matrix products here, and the transforms before and after are products with small constant matrices. Its
rounding error is about four times that of the plain sum, 8e-6 of the largest outcome against 2e-6.
"""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

TILE, INPUT = 4, 6
FEWEST = 128
"""With fewer channels on either side the transforms cost more than the products save."""

INPUT_1D = torch.tensor(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=torch.float64,
)
KERNEL_1D = torch.tensor(
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], dtype=torch.float64
).div(24)
OUTPUT_1D = torch.tensor(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], dtype=torch.float64
)
OF_INPUT, OF_KERNEL, OF_OUTPUT = (torch.kron(m, m) for m in (INPUT_1D, KERNEL_1D, OUTPUT_1D))


def conv3x3(x: Tensor, kernel: Tensor) -> Tensor:
    """`F.conv2d(x, kernel)` of (N, C, H + 2, W + 2) and (K, C, 3, 3), as (N, K, H, W).

    By Winograd's way where it is the faster one: on a CPU, in float32, for many channels and for H and W
    that are multiples of 4.
    """
    return winograd(x, kernel) if pays(x, kernel) else F.conv2d(x, kernel)


def pays(x: Tensor, kernel: Tensor) -> bool:
    is_plain = x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    are_tiles = (x.shape[2] - 2) % TILE == 0 and (x.shape[3] - 2) % TILE == 0
    return is_plain and are_tiles and min(kernel.shape[:2]) >= FEWEST


class _Winograd(torch.autograd.Function):
    """Forward and backward are products with the same matrices; p: places in a tile, t: tiles."""

    @staticmethod
    def forward(ctx, x: Tensor, kernel: Tensor) -> Tensor:
        batch, inputs, outputs = len(x), x.shape[1], len(kernel)
        of_input, of_kernel, of_output = (matrix.to(x) for matrix in (OF_INPUT, OF_KERNEL, OF_OUTPUT))
        tiles = x.unfold(2, INPUT, TILE).unfold(3, INPUT, TILE).permute(4, 5, 1, 0, 2, 3)
        pictures = (of_input @ tiles.reshape(INPUT**2, -1)).view(INPUT**2, inputs, -1)  # p, c, t
        kernels = (of_kernel @ kernel.reshape(-1, 9).t()).view(INPUT**2, outputs, inputs)  # p, k, c
        ctx.save_for_backward(pictures, kernels)
        products = torch.bmm(kernels, pictures).view(INPUT**2, -1)
        out = (of_output @ products).view(TILE, TILE, outputs, batch, *tiles.shape[4:])
        return out.permute(3, 2, 4, 0, 5, 1).reshape(batch, outputs, x.shape[2] - 2, x.shape[3] - 2)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        pictures, kernels = ctx.saved_tensors
        (batch, outputs), inputs = grad.shape[:2], pictures.shape[1]
        of_input, of_kernel, of_output = (matrix.to(grad) for matrix in (OF_INPUT, OF_KERNEL, OF_OUTPUT))
        tiles = grad.unflatten(3, (-1, TILE)).unflatten(2, (-1, TILE)).permute(3, 5, 1, 0, 2, 4)
        products = (of_output.t() @ tiles.reshape(TILE**2, -1)).view(INPUT**2, outputs, -1)  # p, k, t
        grad_x = grad_kernel = None
        if ctx.needs_input_grad[0]:
            parts = of_input.t() @ torch.bmm(kernels.transpose(1, 2), products).view(INPUT**2, -1)
            grad_x = overlap(parts.view(INPUT, INPUT, inputs, batch, *tiles.shape[4:]))
        if ctx.needs_input_grad[1]:
            parts = of_kernel.t() @ torch.bmm(products, pictures.transpose(1, 2)).view(INPUT**2, -1)
            grad_kernel = parts.t().reshape(outputs, inputs, 3, 3)
        return grad_x, grad_kernel


def overlap(tiles: Tensor) -> Tensor:
    """Tiles (6, 6, C, N, h, w), each two pixels over the next, added up as (N, C, 4 h + 2, 4 w + 2)."""
    inputs, batch, down, along = tiles.shape[2:]
    tiles = tiles.permute(3, 2, 4, 0, 5, 1)  # N, C, h, 6, w, 6
    out = tiles.new_zeros(batch, inputs, down + 1, TILE, along + 1, TILE)
    out[:, :, :-1, :, :-1] = tiles[:, :, :, :TILE, :, :TILE]
    out[:, :, 1:, :2, :-1] += tiles[:, :, :, TILE:, :, :TILE]
    out[:, :, :-1, :, 1:, :2] += tiles[:, :, :, :TILE, :, TILE:]
    out[:, :, 1:, :2, 1:, :2] += tiles[:, :, :, TILE:, :, TILE:]
    return out.flatten(4).flatten(2, 3)[:, :, :-2, :-2]


def winograd(x: Tensor, kernel: Tensor) -> Tensor:
    """`F.conv2d(x, kernel)` where H and W are multiples of 4; its gradient has none of its own."""
    return _Winograd.apply(x, kernel)
