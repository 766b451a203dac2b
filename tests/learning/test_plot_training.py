"""Does a training's picture show what its report holds?"""

from __future__ import annotations

import pytest
from matplotlib import image

from learning.durable import recorded
from learning.jobs import Job, SftStep, run_job
from learning.plot_training import draw
from storage.runs import RunStore


def test_losses_margins_and_strata_each_get_a_panel(tmp_path):
    losses = [{"step": step, "loss": 3 - step / 10} for step in range(1, 9)]
    plain = draw({"history": [*losses, {"step": 4, "eval_loss": 2.7}]}, tmp_path / "plain.png")
    preferences = draw(
        {"history": [entry | {"rewards/margins": 0.1} for entry in losses]}, tmp_path / "dpo.png"
    )
    kinds = {f"kind {number}": 10 for number in range(14)}
    mixed = draw({"history": losses, "strata": kinds}, tmp_path / "runs" / "mixed.png")
    widths = [image.imread(picture).shape[1] for picture in (plain, preferences, mixed)]
    assert widths[1] > 1.8 * widths[0]
    assert widths[2] > 1.8 * widths[0]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_training_leaves_its_loss_in_the_run_and_a_picture_beside_it(
    base, corpus, sft_recipe, tmp_path, database
):
    runs = RunStore(database)
    step = SftStep(base=str(base), data=corpus, recipe=sft_recipe, adapter=tmp_path / "adapters" / "sft-1")

    async def work(run, progress):
        def tell(share, doing, figures):
            progress.at(share, doing, figures)

        await run_job(Job(steps=[step], work_dir=tmp_path / "work"), tmp_path / "runs" / run.id, tell)
        return run.id

    done = await runs.get(await recorded(runs, "sft", work))
    assert 0 < done.metrics["loss"] < 20
    assert done.metrics["eval_loss"] > 0
    assert (tmp_path / "runs" / done.id / "training-0-sft.png").exists()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_figures_told_just_before_the_end_are_kept_as_well(database):
    runs = RunStore(database)

    async def work(run, progress):
        progress.at(0.9, "learning", {"loss": 0.5})
        progress.at(1.0, "done")
        return run.id

    done = await runs.get(await recorded(runs, "sft", work))
    assert done.metrics["loss"] == 0.5
