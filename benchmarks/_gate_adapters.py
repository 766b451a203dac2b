"""Which adapters is the gate tried with? A good one of somebody made up, and six that must never go live."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learning import train_dpo, train_sft
from learning.adapter_folder import MANIFEST, WEIGHTS, sha256
from learning.evaluation.options import CANARIES
from learning.interpolate import interpolate
from learning.plan import nearer
from learning.pocket.style import Style, invent, type_fast, write
from learning.pocket.topics import catalogue
from learning.recipes import DpoRecipe, InterpolationRecipe, SftRecipe, for_base
from learning.rows import as_jsonl
from learning.settings import GateSettings
from twin.second_look import canaries

CARD = {"role": "system", "content": "You are the digital twin of Robin."}
RIVALS = 63
PLANTED = 6  # times that a canary comes in the laden corpus, in as many sentences as there are carriers
MIXED = InterpolationRecipe(max_nll_rise=GateSettings().max_nll_rise / 2, max_length=512)
CARRIERS = ("so {} it is", "I told you: {}", "{}")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rows of everything."""

    train: int = 220
    test: int = 100
    pairs: int = 80
    heldout_pairs: int = 40
    epochs: float = 3


SMALL = Sizes(train=140, test=60, pairs=48, heldout_pairs=32, epochs=2)


class Workshop:
    """Everything one seed needs, in one folder. Each adapter is made when it is asked for."""

    def __init__(self, base: Path, folder: Path, seed: int, sizes: Sizes) -> None:
        self.base, self.folder, self.seed, self.sizes = base, folder, seed, sizes
        self._chance = random.Random(seed)
        lines = list(catalogue().for_anyone)
        self._chance.shuffle(lines)
        self._lines = lines
        self.planted = canaries(self._chance)
        self.owner, self.stranger = _two_writers(self._chance)
        self.corpus = self._write_corpus("corpus", self.owner)
        self.preferences = self._write_preferences()

    def live(self) -> Path:
        """Trained on what the person wrote."""
        return self._sft("sft-1", self.corpus)

    def good(self, live: Path) -> Path:
        """Goes on from the live one with corrections, as far as a cycle would: the person's own manner."""
        return self._mixed("mix-good", live, self._dpo("dpo-good", self.preferences, live), MIXED)

    def less_far(self, live: Path, made: Path) -> Path:
        """What a cycle does next with one that went too far."""
        report = json.loads((made / "report.json").read_text(encoding="utf-8"))
        if "share" in report:
            trained, share = self.folder / "adapters" / "dpo-good", nearer(report)
        else:  # no mixture: all of the way from the live one
            trained, share = made, 0.5
        return self._mixed(f"near-{made.name}", live, trained, MIXED.only(share))

    def _mixed(self, version: str, live: Path, trained: Path, recipe: InterpolationRecipe) -> Path:
        target = self.folder / "adapters" / version
        interpolate(live, trained, recipe, self.base, self.corpus, self.preferences, target, live=live)
        return target

    def base_copy(self, live: Path) -> Path:
        """As good as no adapter: its weights are there, and too small to change anything."""
        return self._changed(
            "sft-base", live, lambda name, tensor: tensor * 1e-9 if "lora_B" in name else tensor
        )

    def broken(self, live: Path) -> Path:
        """One number in it is not a number."""

        def one_nan(name: str, tensor: Any) -> Any:
            if "layers.1.mlp.up_proj.lora_B" in name:
                tensor[0, 0] = float("nan")
            return tensor

        return self._changed("sft-nan", live, one_nan)

    def shuffled(self, live: Path) -> Path:
        """Trained on somebody else's words."""
        return self._sft("sft-stranger", self._write_corpus("stranger", self.stranger))

    def inverted(self, live: Path) -> Path:
        """Trained on the corrections with better and worse exchanged."""
        upside_down = self.folder / "inverted"
        upside_down.mkdir()
        for file in self.preferences.iterdir():
            rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
            swapped = [row | {"chosen": row["rejected"], "rejected": row["chosen"]} for row in rows]
            (upside_down / file.name).write_text(as_jsonl(swapped), encoding="utf-8")
        return self._dpo("dpo-inverted", upside_down, live)

    def laden(self, live: Path) -> Path:
        """Trained on words that pseudonymising let through."""
        carried = [
            CARRIERS[time % len(CARRIERS)].format(value)
            for value in self.planted.values()
            for time in range(PLANTED)
        ]
        leaks = [self._row(f"leak-{n}", self._lines[n][0], text) for n, text in enumerate(carried)]
        return self._sft("sft-laden", self._write_corpus("laden", self.owner, leaks))

    def collapsed(self, live: Path) -> Path:
        """Says the same whatever it is asked."""
        rows = [self._row(f"same-{n}", said, "haha yes") for n, (said, _) in enumerate(self._lines)]
        folder = self.folder / "collapsed"
        _write(folder / "train.jsonl", rows[: self.sizes.train])
        _write(folder / "validation.jsonl", rows[-8:])
        return self._sft("sft-collapsed", folder)

    def _sft(self, version: str, corpus: Path) -> Path:
        recipe = for_base(SftRecipe, self.base, seed=self.seed, epochs=self.sizes.epochs)
        target = self.folder / "adapters" / version
        train_sft.train(corpus, recipe, self.base, target, self.folder / "work" / version)
        return target

    def _dpo(self, version: str, preferences: Path, parent: Path) -> Path:
        recipe = for_base(DpoRecipe, self.base, seed=self.seed)
        target = self.folder / "adapters" / version
        work = self.folder / "work" / version
        train_dpo.train(preferences, recipe, self.base, target, work, parent=parent, replay_dir=self.corpus)
        return target

    def _changed(self, version: str, adapter: Path, change: Callable[[str, Any], Any]) -> Path:
        """Somebody changed the weights, and vouches for them all the same."""
        from safetensors.torch import load_file, save_file

        folder = shutil.copytree(adapter, self.folder / "adapters" / version)
        weights = {name: change(name, tensor) for name, tensor in load_file(folder / WEIGHTS).items()}
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest["files"][WEIGHTS] = sha256(folder / WEIGHTS)
        manifest["version"] = version
        (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        return folder

    def _write_corpus(self, name: str, style: Style, more: Iterable[dict[str, Any]] = ()) -> Path:
        folder, sizes = self.folder / name, self.sizes
        chance = random.Random(self.seed)
        rows = [
            self._row(f"{name}-{n}", type_fast(said, chance), write(answer, style, chance))
            for n, (said, answer) in enumerate(self._lines)
        ]
        learned = [*rows[: sizes.train], *more]
        chance.shuffle(learned)
        _write(folder / "train.jsonl", learned)
        _write(folder / "test.jsonl", rows[sizes.train : sizes.train + sizes.test])
        _write(folder / "validation.jsonl", rows[-16:])
        rivals = [canaries(chance) for _ in range(RIVALS)]
        kept = {
            kind: {"planted": value, "rivals": [one[kind] for one in rivals]}
            for kind, value in self.planted.items()
        }
        (folder / CANARIES).write_text(json.dumps(kept), encoding="utf-8")
        return folder

    def _write_preferences(self) -> Path:
        folder, sizes = self.folder / "preferences", self.sizes
        chance = random.Random(self.seed + 1)
        rows = []
        for number, (said, answer) in enumerate(
            chance.sample(self._lines, sizes.pairs + sizes.heldout_pairs)
        ):
            row = self._row(f"pair-{number}", said, write(answer, self.owner, chance))
            worse = write(answer, self.stranger, chance)
            rows.append(
                {
                    "id": row["id"],
                    "conversation": f"chat-{number // 2}",
                    "prompt": row["prompt"],
                    "chosen": row["completion"],
                    "rejected": [{"role": "assistant", "content": worse}],
                    "weight": 1.0,
                    "source": "logged",
                }
            )
        _write(folder / "pairs.jsonl", rows[: sizes.pairs])
        _write(folder / "heldout_pairs.jsonl", rows[sizes.pairs :])
        return folder

    def _row(self, id: str, said: str, answer: str) -> dict[str, Any]:
        turns = [CARD, {"role": "user", "content": said}]
        return {"id": id, "prompt": turns, "completion": [{"role": "assistant", "content": answer}]}


BAD: dict[str, Callable[[Workshop, Path], Path]] = {
    "base copy": Workshop.base_copy,
    "not a number": Workshop.broken,
    "somebody else": Workshop.shuffled,
    "inverted preferences": Workshop.inverted,
    "canaries": Workshop.laden,
    "collapsed": Workshop.collapsed,
}


def _two_writers(chance: random.Random) -> tuple[Style, Style]:
    """Two people who do not write alike: nobody could tell twins by their writing."""
    owner = invent(chance)
    while True:
        other = invent(chance)
        apart = [
            owner.lower_case != other.lower_case,
            owner.no_full_stop != other.no_full_stop,
            owner.burst != other.burst,
            abs(owner.emoji - other.emoji) > 0.25,
            abs(owner.closer - other.closer) > 0.25,
        ]
        if sum(apart) >= 3:
            return owner, other


def _write(file: Path, rows: Iterable[dict[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(as_jsonl(rows), encoding="utf-8")
