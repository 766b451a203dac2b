"""Can a record be followed to every sample that holds it, and a sample to every adapter that learned it?"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from records_said import FRIEND, MIRA, said, years_of_chat

from learning.corpus import build
from learning.lineage import every_sample, samples_of, samples_of_signals, taught_by
from learning.rows import as_jsonl, read_rows
from learning.settings import CorpusSettings
from storage.records import Adapter, stable_id

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def adapter(version, parent=None, lineage=()):
    return Adapter(version, "pocket", "sft", f"/{version}", "0" * 64, NOON, parent=parent, lineage=lineage)


def test_a_record_is_found_in_what_was_learned_in_what_was_read_and_in_silences(tmp_path):
    records = [
        said(1, FRIEND, "are you in?", -9000, "hall"),
        said(2, "owner", "yes", -8999, "hall"),
        said(3, FRIEND, "call me", -8998, "hall"),
        *years_of_chat(5),
    ]
    other = build(years_of_chat(5), MIRA, tmp_path, CorpusSettings(seed=1))
    snapshot = build(records, MIRA, tmp_path, CorpusSettings(silence_hours=2))
    (yes,) = (row for row in read_rows(snapshot.path / "train.jsonl") if row["record_ids"] == ["r2"])
    (silence,) = read_rows(snapshot.path / "silences.jsonl")
    assert samples_of(["r1"], tmp_path) == {snapshot.id: [silence["id"], yes["id"]]}
    assert samples_of(["r2"], tmp_path) == {snapshot.id: [silence["id"], yes["id"]]}
    assert samples_of(["r3"], tmp_path) == {snapshot.id: [silence["id"]]}
    assert set(samples_of(["r0-0-q"], tmp_path)) == {snapshot.id, other.id}
    assert samples_of(["nobody"], tmp_path) == {}
    assert samples_of([], tmp_path) == {}


def test_signals_are_found_in_the_pairs_and_thumbs_made_of_them(tmp_path):
    folder = tmp_path / "cafe"
    folder.mkdir()
    pair = {"id": stable_id("pair", "s1", "no"), "rejected": [{"role": "assistant", "content": "no"}]}
    (folder / "pairs.jsonl").write_text(as_jsonl([pair]))
    (folder / "heldout_thumbs.jsonl").write_text(as_jsonl([{"id": stable_id("thumb", "s2")}]))
    (folder / "card.json").write_text(json.dumps({}))
    assert samples_of_signals(["s1"], tmp_path) == {"cafe": [pair["id"]]}
    assert samples_of_signals(["s2", "s3"], tmp_path) == {"cafe": [stable_id("thumb", "s2")]}
    assert samples_of_signals(["s3"], tmp_path) == {}
    assert set(every_sample(tmp_path)["cafe"]) == {pair["id"], stable_id("thumb", "s2")}


def test_what_was_trained_on_top_of_it_learned_it_too():
    line = [
        adapter("sft-1", lineage=("a", "b")),
        adapter("dpo-2", "sft-1", ("c",)),
        adapter("kto-3", "dpo-2", ("a",)),
        adapter("sft-4", lineage=("d",)),
    ]
    found = [(one.adapter.version, one.samples, one.through) for one in taught_by({"a", "b"}, line)]
    assert found == [("sft-1", 2, None), ("dpo-2", 0, "sft-1"), ("kto-3", 1, None)]
