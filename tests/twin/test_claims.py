"""Does what one twin of a process has stay its own until it goes?"""

from __future__ import annotations

from twin.claims import Claims


def test_what_a_twin_still_wants_is_its_own_while_it_begins_anew() -> None:
    claims = Claims()
    assert claims.take("ben", "database", "one.db") is None
    assert claims.take("ben", "port", "8701") is None
    claims.give_back("ben", but={("database", "one.db"), ("port", "8702")})  # other settings
    assert claims.take("cat", "database", "one.db") == "ben"
    assert claims.take("cat", "port", "8701") is None
    claims.give_back("ben")
    assert claims.free("database", "one.db")
    assert claims.take("cat", "database", "one.db") is None
