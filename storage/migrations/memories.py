"""Which rows are memories, and how do the two never drift apart? Triggers: whatever writes, in whatever
way.

A row of `records`, `messages`, `facts` or `feedback` that comes, changes or goes takes its memory along in
the same transaction. SELECTS says what is a memory of what; everything else turns that into triggers. They
are made by a step of the migrations, and a step that copies one of those tables has to make them again
(`install`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection

from storage.migrations.twins import hold_apart

SHELF = 4294967296  # 2**32: how many numbers a shelf has
COLUMNS = (
    "kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about,"
    " lang, twin"
)
OWNED = "'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner"
SELECTS = {
    # What the owner wrote, for whom it was written.
    "records": f"""
        SELECT 'said' AS kind, r.id AS key, r.source, {OWNED}, r.audience, r.thread_id AS thread, r.said_at,
            r.text, NULL AS answer, NULL AS about, r.lang, r.twin
        FROM records r
        WHERE r.by_owner AND r.deleted_at IS NULL AND r.text <> '' AND r.source <> 'teach'
            AND r.kind NOT IN ('view', 'commit')""",
    # What they answered to /teach, as to any friend.
    "lessons": f"""
        SELECT 'example' AS kind, a.id AS key, a.source, {OWNED}, 'public' AS audience, a.thread_id AS thread,
            a.said_at, q.text, a.text AS answer, q.id AS about, a.lang, a.twin
        FROM records a JOIN records q ON q.id = a.reply_to AND q.twin = a.twin
        WHERE a.by_owner AND a.source = 'teach' AND a.deleted_at IS NULL AND q.deleted_at IS NULL
            AND a.text <> '' AND q.text <> ''""",
    # What people say to the twin: for that chat; what the owner tells it alone: for the owner. Never its own
    # answers: what was recalled would come back as news.
    "messages": """
        SELECT 'said' AS kind, m.key AS key, m.platform AS source,
            CASE WHEN m.by_owner THEN 'owner' ELSE m.platform || ':' || m.author_id END AS speaker,
            CASE WHEN m.by_owner THEN '' ELSE m.author_name END AS speaker_name, m.by_owner,
            CASE WHEN m.private AND m.by_owner AND NOT m.as_owner THEN 'owner'
                ELSE m.platform || ':' || m.chat_id END AS audience,
            m.platform || ':' || m.chat_id AS thread, m.sent_at AS said_at, m.text, NULL AS answer,
            NULL AS about, NULL AS lang, m.twin
        FROM messages m
        WHERE NOT m.by_twin AND NOT m.by_bot AND m.deleted_at IS NULL AND m.text <> ''""",
    "facts": f"""
        SELECT 'fact' AS kind, f.id AS key, 'remember' AS source, {OWNED}, 'public' AS audience,
            'remember' AS thread, f.told_at AS said_at, f.text, NULL AS answer, NULL AS about, NULL AS lang,
            f.twin
        FROM facts f WHERE f.text <> ''""",
    # What the owner would have said: for the chat in which it was to be said.
    "corrections": """
        SELECT 'example' AS kind, f.id AS key, 'correction' AS source,
            CASE WHEN q.by_owner THEN 'owner' ELSE q.platform || ':' || q.author_id END AS speaker,
            CASE WHEN q.by_owner THEN '' ELSE q.author_name END AS speaker_name, q.by_owner,
            CASE WHEN q.private AND q.by_owner AND NOT q.as_owner THEN 'owner'
                ELSE q.platform || ':' || q.chat_id END AS audience,
            q.platform || ':' || q.chat_id AS thread, f.given_at AS said_at, q.text, f.text AS answer,
            q.key AS about, NULL AS lang, f.twin
        FROM feedback f JOIN messages r ON r.key = f.reply_key AND r.twin = f.twin
            JOIN messages q ON q.key = r.reply_to AND q.twin = r.twin
        WHERE f.kind = 'correction' AND f.role = 'owner' AND f.withdrawn_at IS NULL AND f.text <> ''
            AND r.by_twin AND r.deleted_at IS NULL AND q.deleted_at IS NULL AND q.text <> ''""",
}


@dataclass(frozen=True, slots=True)
class Watch:
    """A table whose rows have memories of one kind."""

    table: str
    key: str
    select: str
    columns: tuple[str, ...]  # of the table: what of it is in a memory
    worth: str = "TRUE"  # of NEW: for most of what others wrote nothing is looked up
    mine: str = "s.key = NEW.{} AND s.twin = NEW.twin"  # of the memories: which this row makes
    gone: str = "key = OLD.{0} AND twin = OLD.twin"  # of the memories: which go with this row
    only: str = "TRUE"  # of OLD: whose changes are looked at


IN_A_RECORD = ("text", "audience", "said_at", "by_owner", "deleted_at")
WATCHES = (
    Watch(
        "records",
        "id",
        "records",
        IN_A_RECORD,
        "NEW.by_owner AND NEW.source <> 'teach'",
        only="OLD.source <> 'teach'",
    ),
    Watch(
        "records",
        "id",
        "lessons",
        IN_A_RECORD,
        "NEW.source = 'teach'",
        # Either of the two that make one may come last.
        "s.key IN (SELECT x.id FROM records x WHERE x.source = 'teach' AND NEW.{0} IN (x.id, x.reply_to)"
        " AND x.twin = NEW.twin) AND s.twin = NEW.twin",
        "(key = OLD.{0} OR about = OLD.{0}) AND twin = OLD.twin",
        "OLD.source = 'teach'",
    ),
    Watch(
        "messages",
        "key",
        "messages",
        ("text", "deleted_at"),
        "NOT NEW.by_twin",
        gone="(key = OLD.{0} OR about = OLD.{0} OR key IN (SELECT s.id FROM feedback s"
        " WHERE s.reply_key = OLD.{0} AND s.twin = OLD.twin)) AND twin = OLD.twin",
    ),
    Watch("facts", "id", "facts", ("text",)),
    Watch("feedback", "id", "corrections", ("text", "withdrawn_at"), "NEW.kind = 'correction'"),
)


def install(connection: Connection) -> None:
    """Make what is missing of it, and recall everything that was kept before: while all is one twin's."""
    sqlite = connection.dialect.name == "sqlite"
    for statement in (*_indexes(sqlite), *_first_memories(sqlite), *_triggers(sqlite)):
        connection.exec_driver_sql(_of_one_twin(statement))


def of_each_twin(connection: Connection) -> None:
    """From now on a memory is its row's twin's, and so are its words. In an SQLite file they all are of one.

    Under row security Postgres asks no index by an operator that might leak, as all those of a GIN index
    might; the `=` of a word in a table does not. Its newest memories it finds sooner, too.
    """
    if connection.dialect.name == "sqlite":
        return
    for statement in (*_WORDS, *_functions(apart=True)):
        connection.exec_driver_sql(statement)
    hold_apart(connection, "memory_words")
    connection.exec_driver_sql(
        "CREATE TRIGGER memory_added AFTER INSERT ON memories FOR EACH ROW EXECUTE FUNCTION memory_added()"
    )


def _words_of(text: str) -> str:
    return f"tsvector_to_array(to_tsvector('english', {text}))"


_WORDS = (
    "DROP INDEX memory_words",
    """CREATE TABLE memory_words (word text COLLATE "C" NOT NULL, number bigint NOT NULL,"""
    " twin text NOT NULL DEFAULT current_setting('twin.id'))",
    f"INSERT INTO memory_words SELECT unnest({_words_of('text')}), number, twin FROM memories",
    "ALTER TABLE memory_words ADD CONSTRAINT pk_memory_words PRIMARY KEY (twin, word, number)",
    "CREATE OR REPLACE FUNCTION memory_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    f" INSERT INTO memory_words SELECT unnest({_words_of('NEW.text')}), NEW.number, NEW.twin;"
    " RETURN NULL; END $$",
)


def _of_one_twin(statement: str) -> str:
    return re.sub(r",\s+\w+\.twin\b|, twin\b| AND (\w+\.)?twin = \w+\.twin", "", statement)


def _learn(watch: Watch, sqlite: bool) -> str:
    """Keep the memory of a row, if it has one. On Postgres a sequence counts, so that nobody waits for it."""
    which = watch.mine.format(watch.key)
    mine = f"(SELECT * FROM ({SELECTS[watch.select]}) s WHERE {which} LIMIT 1) t"
    its_shelf = "h.audience = t.audience AND h.kind = t.kind AND h.twin = t.twin"
    on_its_shelf = f"{mine} JOIN memory_shelves h ON {its_shelf}"
    shelve = (
        f"INSERT INTO memory_shelves (audience, kind, last, twin) SELECT t.audience, t.kind, 0, t.twin"
        f" FROM {mine} WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE {its_shelf})"
    )
    count = f"UPDATE memory_shelves SET last = last + 1 WHERE number = (SELECT h.number FROM {on_its_shelf})"
    last = "h.last" if sqlite else "nextval('memory_numbers')"
    keep = (
        f"INSERT INTO memories (number, {COLUMNS}) SELECT h.number * {SHELF} + {last}, {_named('t')}"
        f" FROM {on_its_shelf}"
    )
    return f"{shelve}; {count}; {keep};" if sqlite else f"{shelve} ON CONFLICT DO NOTHING; {keep};"


def _named(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in COLUMNS.split(", "))


def _indexes(sqlite: bool) -> list[str]:
    if sqlite:
        return [
            "CREATE VIRTUAL TABLE memory_words USING fts5(text, content='memories', content_rowid='number',"
            " detail='none', tokenize='porter unicode61 remove_diacritics 2')"
        ]
    return [
        "CREATE INDEX memory_words ON memories USING gin (to_tsvector('english', text))",
        "CREATE SEQUENCE memory_numbers",
    ]


def _first_memories(sqlite: bool) -> list[str]:
    everything = " UNION ALL ".join(
        f"SELECT {', '.join(f's.{name}' for name in COLUMNS.split(', '))} FROM ({select}) s"
        for select in SELECTS.values()
    )
    return [
        f"INSERT INTO memory_shelves (audience, kind, last) SELECT t.audience, t.kind, count(*)"
        f" FROM ({everything}) t GROUP BY t.audience, t.kind",
        f"INSERT INTO memories (number, {COLUMNS}) SELECT h.number * {SHELF} + row_number() OVER"
        f" (PARTITION BY h.number ORDER BY t.said_at), {_named('t')}"
        f" FROM ({everything}) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind",
        "INSERT INTO memory_words (memory_words) VALUES ('rebuild')"
        if sqlite
        else "SELECT setval('memory_numbers', (SELECT count(*) + 1 FROM memories))",
    ]


def _triggers(sqlite: bool) -> list[str]:
    made = [one for watch in WATCHES for one in (_on_sqlite if sqlite else _on_postgres)(watch)]
    if sqlite:
        return [
            *made,
            "CREATE TRIGGER memory_added AFTER INSERT ON memories BEGIN"
            " INSERT INTO memory_words (rowid, text) VALUES (NEW.number, NEW.text); END",
            "CREATE TRIGGER memory_gone AFTER DELETE ON memories BEGIN"
            " INSERT INTO memory_words (memory_words, rowid, text) VALUES ('delete', OLD.number, OLD.text);"
            " DELETE FROM memory_vectors WHERE number = OLD.number; END",
        ]
    return [
        *_functions(),
        *made,
        "CREATE TRIGGER memory_gone AFTER DELETE ON memories FOR EACH ROW EXECUTE FUNCTION memory_gone()",
    ]


def _on_sqlite(watch: Watch) -> list[str]:
    on, learn = watch.table, _learn(watch, sqlite=True)
    drop = f"DELETE FROM memories WHERE {watch.gone.format(watch.key)};"
    differs = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in watch.columns)
    name = f"memory_of_{watch.select}"
    return [
        f"CREATE TRIGGER {name}_added AFTER INSERT ON {on} WHEN {watch.worth} BEGIN {learn} END",
        f"CREATE TRIGGER {name}_changed AFTER UPDATE OF {', '.join(watch.columns)} ON {on}"
        f" WHEN {watch.only} AND ({differs})"
        f" BEGIN {drop} {learn} END",
        f"CREATE TRIGGER {name}_gone AFTER DELETE ON {on} BEGIN {drop} END",
    ]


def _on_postgres(watch: Watch) -> list[str]:
    on, name = watch.table, f"memory_of_{watch.select}"
    differs = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in watch.columns)
    each = f"ON {on} FOR EACH ROW"
    return [
        f"CREATE TRIGGER {name}_added AFTER INSERT {each} WHEN ({watch.worth}) EXECUTE FUNCTION {name}()",
        f"CREATE TRIGGER {name}_changed AFTER UPDATE OF {', '.join(watch.columns)} {each}"
        f" WHEN ({watch.only} AND ({differs})) EXECUTE FUNCTION {name}()",
        f"CREATE TRIGGER {name}_gone AFTER DELETE {each} EXECUTE FUNCTION {name}()",
    ]


def _functions(*, apart: bool = False) -> list[str]:
    """What the triggers do on Postgres; `apart`: since there are several twins."""
    theirs = "number = OLD.number AND twin = OLD.twin"
    words = f"DELETE FROM memory_words WHERE {theirs} AND word = ANY ({_words_of('OLD.text')});"
    made = [
        "CREATE OR REPLACE FUNCTION memory_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" DELETE FROM memory_vectors WHERE {theirs}; {words if apart else ''} RETURN NULL; END $$"
    ]
    for watch in WATCHES:
        learn = _learn(watch, sqlite=False)
        drop = f"DELETE FROM memories WHERE {watch.gone.format(watch.key)};"
        made.append(
            f"CREATE OR REPLACE FUNCTION memory_of_{watch.select}() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN IF TG_OP <> 'INSERT' THEN {drop} END IF; IF TG_OP <> 'DELETE' THEN {learn} END IF;"
            " RETURN NULL; END $$"
        )
    return made
