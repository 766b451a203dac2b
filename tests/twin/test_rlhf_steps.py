"""Is a reward model trained where there are pairs for one, and does the person see what was rewarded?"""

from __future__ import annotations

import json

from learning.corpus import Snapshot
from learning.preferences import Preferences
from storage.records import Adapter, now
from twin.build import Base
from twin.home import Home
from twin.settings import Settings
from twin.train import _rlhf_steps, rewards_of


def steps(tmp_path, pairs, **recipe):
    settings = Settings(owner={"name": "Mira"}, learning={"recipes": {"rlhf": recipe}})
    pool = Preferences("cafe", tmp_path / "cafe", pairs, {"pairs": pairs})
    base = Base("pocket", "pocket", stand_in=True)
    snapshot = Snapshot("c0ffee", tmp_path / "c0ffee", {})
    target = tmp_path / "adapters" / "rlhf-7"
    return _rlhf_steps(Home(tmp_path), settings, base, snapshot, pool, tmp_path / "sft-1", target)


def test_with_enough_pairs_a_reward_model_comes_first_and_lies_where_no_adapter_is_looked_for(tmp_path):
    reward, rlhf = steps(tmp_path, 20, reward_model={"epochs": 5})
    assert (reward.kind, rlhf.kind) == ("reward", "rlhf")
    assert reward.reward == rlhf.reward == tmp_path / "rewards" / "reward-7"
    assert reward.recipe.epochs == 5
    assert (rlhf.parent.name, rlhf.data.name, rlhf.preferences.name) == ("sft-1", "c0ffee", "cafe")


def test_with_few_pairs_or_no_weight_for_it_there_is_none(tmp_path, capsys):
    (rlhf,) = steps(tmp_path, 19)
    assert rlhf.reward is None
    assert "without a reward model: 19 pairs, it needs 20" in capsys.readouterr().err
    (rlhf,) = steps(tmp_path, 500, weights={"learned": 0})
    assert rlhf.reward is None
    assert capsys.readouterr().err == ""


def test_an_adapter_shows_its_rewards_and_another_shows_none(tmp_path):
    adapter = Adapter("rlhf-7", "pocket", "rlhf", str(tmp_path), "7", now())
    assert rewards_of(adapter) == []
    report = {"rewards": {"length": {"before": 0.25, "after": 0.5}}}
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert rewards_of(adapter) == [("length", "0.250", "0.500")]
