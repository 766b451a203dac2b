"""How far is a student from a teacher of another vocabulary? Approximate likelihood matching (ALM).

Minixhofer, Vulić and Ponti 2025 (arXiv 2503.20083): on pieces of text that both tokenizers cut alike, the
student's probability p of a piece should be the teacher's, compared as two coins that fall "this piece" with
probability p^(1/tau).
"""

from __future__ import annotations

import torch

NEARLY_SURE = -1e-6  # nats; at 0 the coin has but one side, and the logarithm of the other is no number


def alm(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """The loss of each piece, from its log-probability on both sides (any shape, in nats, at most 0).

    The binary cross-entropy less the teacher's own entropy, which changes no gradient and makes 0 mean "the
    same"; times tau, without which the gradient would shrink with it, and a weight mean something else.
    """
    ours = student.float().clamp(max=NEARLY_SURE) / temperature
    theirs = teacher.float().clamp(max=NEARLY_SURE) / temperature
    this_piece = theirs.exp() * (theirs - ours)
    any_other = -theirs.expm1() * (log1mexp(theirs) - log1mexp(ours))
    return temperature * (this_piece + any_other)


def log1mexp(x: torch.Tensor) -> torch.Tensor:
    """log(1 - e^x) for x < 0, exact at both ends (Mächler, "Accurately computing log(1 - exp(-|a|))")."""
    near = x > -0.6931
    # Where the first branch counts, the second gets a harmless number: infinity would spoil the gradient.
    far = torch.where(near, torch.full_like(x, -1.0), x)
    return torch.where(near, torch.log(-torch.expm1(x)), torch.log1p(-torch.exp(far)))
