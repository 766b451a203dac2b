"""Is the soft loss what the paper says, zero for a perfect student, and a number at every end?"""

from __future__ import annotations

import math

import pytest
import torch

from learning.alm import NEARLY_SURE, alm, log1mexp

TAU = 100.0
LOGPROBS = [-1e-3, -0.2, -1.0, -7.0, -60.0, -500.0]


def by_hand(student, teacher):
    """Two coins: binary cross-entropy, less the teacher's entropy, in double precision."""
    q, p = math.exp(student / TAU), math.exp(teacher / TAU)
    cross = -p * math.log(q) - (1 - p) * math.log(1 - q)
    entropy = -p * math.log(p) - (1 - p) * math.log(1 - p)
    return TAU * (cross - entropy)


@pytest.mark.parametrize("student", LOGPROBS)
@pytest.mark.parametrize("teacher", LOGPROBS)
def test_it_is_the_cross_entropy_of_two_coins_less_what_nobody_can_help(student, teacher):
    got = alm(torch.tensor([student]), torch.tensor([teacher]), TAU).item()
    assert got == pytest.approx(by_hand(student, teacher), rel=1e-3, abs=1e-4)


def test_whoever_agrees_loses_nothing_and_everybody_else_something():
    same = torch.tensor([0.0, *LOGPROBS, -1e4])
    assert alm(same, same, TAU).abs().max() == 0
    assert (alm(same[1:], same[:-1], TAU) > 0).all()


def test_the_gradient_pulls_towards_the_teacher_and_is_finite_at_every_end():
    ends = torch.tensor([0.0, NEARLY_SURE / 2, 1.5 * NEARLY_SURE, -1e-4, *LOGPROBS, -1e4, -1e6])
    for teacher in ends:
        student = ends.clone().requires_grad_()
        alm(student, teacher.expand_as(ends), TAU).sum().backward()
        assert student.grad.isfinite().all()
        inside = (ends < 2 * NEARLY_SURE) & (ends > -1000)  # beyond, both coins fall on one side only
        apart = ends != teacher
        wanted = torch.sign(ends - teacher.clamp(max=NEARLY_SURE))
        assert (torch.sign(student.grad) == wanted)[inside & apart].all()
        assert student.grad[inside & ~apart].abs().sum() < 1e-4


def test_a_weight_means_the_same_whatever_the_temperature():
    student, teacher = torch.tensor([-3.0]), torch.tensor([-2.0])
    assert alm(student, teacher, 1e2).item() == pytest.approx(alm(student, teacher, 1e3).item(), rel=0.05)


def test_log1mexp_is_exact_at_both_ends():
    x = torch.tensor([-1e-6, -0.1, -0.6931, -1.0, -20.0])
    exact = [math.log(-math.expm1(value)) for value in x.tolist()]
    assert log1mexp(x).tolist() == pytest.approx(exact, rel=1e-5)
