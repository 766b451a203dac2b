"""Does the fast forward path compute what the stock module computes?"""

import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

from learning.pocket.forward import FastForward


def a_model(heads: int = 4, groups: int = 2) -> Gemma3ForCausalLM:
    """Weights far from their start, so that a forgotten norm or a wrong sign shows."""
    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=300,
        hidden_size=64,
        num_hidden_layers=4,
        num_attention_heads=heads,
        num_key_value_heads=groups,
        head_dim=32,
        query_pre_attn_scalar=32,
        intermediate_size=96,
        sliding_window=48,
        layer_types=["sliding_attention", "full_attention"] * 2,
        eos_token_id=1,
        attn_implementation="eager",
    )
    model = Gemma3ForCausalLM(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 1:
                weight.normal_(0, 0.3)
            else:
                weight.mul_(3)
    return model


def test_hidden_states_agree_with_the_stock_module() -> None:
    model, tokens = a_model(), torch.randint(0, 300, (3, 48))
    stock = model.model(input_ids=tokens, use_cache=False).last_hidden_state.reshape(3 * 48, -1)
    keep = torch.tensor([0, 5, 47, 48, 100, 143])
    ours = FastForward(model, torch.float32)(tokens, keep)
    torch.testing.assert_close(ours, stock[keep], rtol=1e-4, atol=1e-4)


def test_gradients_agree_with_the_stock_module() -> None:
    model, tokens = a_model(), torch.randint(0, 300, (3, 40))
    everywhere = torch.arange(3 * 40)
    weights = torch.randn(3 * 40, 64)
    stock = model.model(input_ids=tokens, use_cache=False).last_hidden_state.reshape(3 * 40, -1)
    theirs = torch.autograd.grad((stock * weights).sum(), list(model.parameters()))
    ours = torch.autograd.grad(
        (FastForward(model, torch.float32)(tokens, everywhere) * weights).sum(), list(model.parameters())
    )
    for mine, stocks in zip(ours, theirs, strict=True):
        assert (mine - stocks).norm() <= 1e-4 * stocks.norm()


def test_one_key_group_for_all_heads_agrees_too() -> None:
    model, tokens = a_model(heads=2, groups=1), torch.randint(0, 300, (2, 16))
    stock = model.model(input_ids=tokens, use_cache=False).last_hidden_state.reshape(32, -1)
    ours = FastForward(model, torch.float32)(tokens, torch.arange(32))
    torch.testing.assert_close(ours, stock, rtol=1e-4, atol=1e-4)


def test_what_comes_later_in_a_row_changes_nothing() -> None:
    """Rows are padded on the right: the padding must not reach the words before it."""
    model, tokens = a_model(), torch.randint(0, 300, (1, 32))
    padded = torch.cat([tokens[:, :20], torch.zeros(1, 12, dtype=torch.long)], dim=1)
    fast = FastForward(model, torch.float32)
    torch.testing.assert_close(fast(tokens, torch.arange(20)), fast(padded, torch.arange(20)))
