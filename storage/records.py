"""The nouns of the twin. Frozen; times are aware and in UTC, ids are stable."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

# One turn as a model server takes it: {"role": "system" | "user" | "assistant", "content": "..."}.
ChatTurn = Mapping[str, str]


def stable_id(*parts: str) -> str:
    """A short content key: the same parts always give the same id. 128 bits, hexadecimal."""
    whole = "\x1f".join(parts).encode(errors="surrogatepass")  # exports have halves of emoji, file names too
    return hashlib.blake2b(whole, digest_size=16).hexdigest()


def now() -> datetime:
    return datetime.now(UTC)


class Kind(StrEnum):
    """What a record is."""

    MESSAGE = "message"
    NOTE = "note"
    JOURNAL = "journal"
    COMMENT = "comment"
    RATING = "rating"
    VIEW = "view"
    COMMIT = "commit"
    POST = "post"


class Precision(StrEnum):
    """How exactly a source knew the time."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"


class ZoneSource(StrEnum):
    """Where the time zone of a record came from."""

    EXPLICIT = "explicit"  # the source wrote an offset or an epoch
    SCHEMA = "schema"  # the format is documented as UTC
    OWNER = "owner"  # naive; the owner's own zone history was applied
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True)
class Attachment:
    """Something that hung on a message. File names are not kept: they carry names and places."""

    kind: str  # image, video, audio, sticker, file, link
    sha256: str | None = None


class Record(Struct, frozen=True, gc=False):
    """One piece of the footprint after cleaning.

    No dataclass, because an import makes millions: making, changing and freeing one takes a quarter of the
    time. Nothing in it leads back to it, so it need not be looked at for garbage.
    """

    id: str  # stable content key: ingesting twice changes nothing
    source: str
    kind: Kind
    author_id: str  # "owner", or a pseudonym such as <PERSON_3f2a>
    by_owner: bool
    thread_id: str
    said_at: datetime
    text: str
    reply_to: str | None = None
    attachments: tuple[Attachment, ...] = ()
    tags: tuple[str, ...] = ()
    lang: str | None = None
    audience: str = "owner"  # who may hear it back: "owner", a thread's id, or "public"
    origin: str = ""  # file and line, or API id: what deletion looks for
    precision: Precision = Precision.SECOND
    zone_source: ZoneSource = ZoneSource.EXPLICIT
    edited_at: datetime | None = None
    deleted_at: datetime | None = None


with_changes = replace  # for records what `dataclasses.replace` is for the rest


@dataclass(frozen=True, slots=True)
class Skipped:
    """One item a source could not or would not read. A value, never an exception."""

    where: str
    why: str
    failed: bool = True  # False: well understood and left out on purpose (a system message, say)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What made a reply. Without it no reaction can be learned from."""

    adapter: str | None  # None: the base model answered
    base_model: str
    prompt_hash: str
    prompt: tuple[ChatTurn, ...]
    sampling: Mapping[str, Any]
    recalled: tuple[str, ...] = ()  # ids of recalled records
    speakers: tuple[str, ...] = ()  # "platform:id" of others than the owner whose words are in the prompt
    pictures: tuple[str, ...] = ()  # what the model saw: "message key#number/frame sha256"
    first_token_ms: float = 0.0
    total_ms: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Media:
    """Something that hangs on a live message, and where to get it. Nothing is fetched before it is needed."""

    kind: str  # image, video, audio, voice, sticker, emoji (one that is in the text), file, link, place, poll
    name: str = ""  # of the file, sticker or place, as people see it
    mime: str = ""
    size: int = 0  # bytes; 0: unknown
    ref: str = ""  # a URL or the chat app's own file id
    text: str = ""  # what it says, where that is known: a small text file, a poll, a sticker's emoji


@dataclass(frozen=True, slots=True)
class Message:
    """One live chat message, in or out."""

    key: str  # message_key(...); a reply of the twin has a key of its own, before it is sent (reply_key)
    platform: str
    chat_id: str  # the place of one conversation: a channel, a thread, a topic, a private chat
    author_id: str
    author_name: str
    text: str
    sent_at: datetime
    by_twin: bool = False
    by_owner: bool = False
    reply_to: str | None = None  # the key of the message it answers
    stamp: Stamp | None = None  # set on the twin's own replies
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    server_id: str | None = None  # the Discord server or Telegram group it was said in
    private: bool = False  # nobody but the author and us reads this chat
    as_owner: bool = False  # what we say in this chat is said from the owner's own account
    by_bot: bool = False
    author_roles: tuple[str, ...] = ()  # ids of roles that the author has in that server
    to_twin: bool = False  # it names or mentions us literally (a reply alone does not count)
    to_others: bool = False  # it mentions or answers somebody who is not us
    media: tuple[Media, ...] = ()
    quote: str | None = None  # the part of another message that it quotes
    album: str | None = None  # messages with the same one were sent as one


class DeliveryState(StrEnum):
    """How far one message of a reply has come."""

    PLANNED = "planned"  # its text is settled, it was not sent
    SENDING = "sending"  # it may be there or not
    SHOWN = "shown"  # it is there, with a text that is not the last one
    SENT = "sent"
    DROPPED = "dropped"  # it is not going to be sent


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of a reply on its way. Written before it is sent, so that a crash repeats nothing."""

    reply_key: str
    part: int
    platform: str
    chat_id: str
    question_key: str
    text: str
    state: DeliveryState
    message_id: str | None = None  # the chat app's own, once it is there
    updated_at: datetime = field(default_factory=now)

    @property
    def nonce(self) -> str:
        """The same whenever this part is sent; at most 25 characters."""
        return f"{self.reply_key.rpartition('~')[2]}-{self.part}"


@dataclass(frozen=True, slots=True)
class Chat:
    """What was decided about one chat. None: as the settings say for all."""

    platform: str
    chat_id: str
    server_id: str | None = None
    private: bool = False
    mode: str | None = None  # off, mentions, always
    draft: bool | None = None
    quiet_until: datetime | None = None
    quiet_why: str | None = None


class Consent(StrEnum):
    """What somebody other than the owner allows."""

    UNKNOWN = "unknown"  # they may be answered, and are never trained on
    AGREED = "agreed"
    OPTED_OUT = "opted out"  # nothing of theirs is kept or answered


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was put as a message; a reply to it is the answer."""

    key: str
    action: str
    person_id: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the owner told the twin to know; everybody may hear it."""

    id: str
    text: str
    told_at: datetime


class MemoryKind(StrEnum):
    """What can be recalled."""

    SAID = "said"  # somebody's words, the owner's from anywhere, others' from a live chat
    FACT = "fact"  # what the owner told the twin to know
    EXAMPLE = "example"  # words, and what the owner would have answered to them


OWNER_ONLY, PUBLIC = "owner", "public"  # the audiences that are no chat's id


@dataclass(frozen=True, slots=True)
class Memory:
    """Something that may be recalled, for whom, and whose words it is."""

    kind: MemoryKind
    key: str  # of what it comes from: a record's id, a message's key, a fact's id, a signal's id
    source: str  # of the record; the chat app; "remember", "correction", "teach"
    speaker: str  # "owner", or "platform:id"
    speaker_name: str  # as they called themselves; empty for the owner
    by_owner: bool  # whether `text` is the owner's
    audience: str  # who may hear it back: "owner", "public", or "platform:chat"
    thread: str
    said_at: datetime
    text: str
    answer: str | None = None  # of an example: always the owner's
    about: str | None = None  # of an example: the key of what was asked
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much somebody may ask for; None: no limit, or none of their own."""

    per_minute: int | None = None  # answered messages
    tokens_per_day: int | None = None  # read and written for them, a day in UTC


@dataclass(frozen=True, slots=True)
class Spent:
    """What answers took."""

    replies: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    milliseconds: int = 0


def message_key(platform: str, chat_id: str | int, message_id: str | int) -> str:
    return f"{platform}:{chat_id}:{message_id}"


def whole_chat(chat_id: str) -> str:
    """The chat that a topic is a part of; on Telegram "b77/42" is 77's own chat with 42, and no topic."""
    first, _, rest = chat_id.partition("/")
    in_their_name = first[:1] == "b" and first[1:].isdecimal() and rest
    return f"{first}/{rest.partition('/')[0]}" if in_their_name else first


def reply_key(platform: str) -> str:
    """A new key for a reply of the twin; it stays the same when the reply is sent, in one piece or more."""
    return f"{platform}:~{secrets.token_hex(8)}"


class Role(StrEnum):
    """Whose signal it is. The owner's outweighs everybody's."""

    OWNER = "owner"
    TRAINER = "trainer"
    OTHER = "other"


class Signal(StrEnum):
    """What somebody said about a reply."""

    UP = "up"
    DOWN = "down"
    CORRECTION = "correction"
    COMPLAINT = "complaint"
    CHOICE = "choice"
    TAKEOVER = "takeover"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One signal about one reply. The history is append-only: withdrawing sets a time, nothing is removed."""

    reply_key: str
    given_by: str
    role: Role
    kind: Signal
    given_at: datetime
    text: str | None = None  # what should have been said, or the complaint
    withdrawn_at: datetime | None = None
    id: str = ""  # empty: filled in from the other fields

    def __post_init__(self) -> None:
        if not self.id:
            when = self.given_at.isoformat()
            object.__setattr__(self, "id", stable_id(self.reply_key, self.given_by, self.kind, when))


class AdapterState(StrEnum):
    CANDIDATE = "candidate"
    PASSED = "passed"
    REFUSED = "refused"
    CANARY = "canary"
    LIVE = "live"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Adapter:
    """One immutable folder of learned weights."""

    version: str  # well-formed name, also the model's name on the server: ^[a-z0-9][a-z0-9._:-]{0,80}$
    base_model: str
    method: str  # sft, dpo, kto, ...
    path: str
    sha256: str  # of adapter_model.safetensors
    created_at: datetime
    parent: str | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    corpus: str | None = None  # id of the corpus snapshot
    lineage: tuple[str, ...] = ()  # ids of the samples it learned from
    report: Mapping[str, Any] = field(default_factory=dict)
    state: AdapterState = AdapterState.CANDIDATE
    reasons: tuple[str, ...] = ()  # the gate's words
    canary_share: float | None = None  # of the chats, while it is the canary
    canary_since: datetime | None = None


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Run:
    """One durable piece of work: a training, an ingest, a learning cycle."""

    id: str
    kind: str
    state: RunState
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    heartbeat_at: datetime | None = None
    progress: float = 0.0  # 0..1
    metrics: Mapping[str, Any] = field(default_factory=dict)
    worker: str | None = None  # "host:pid:nonce" of the process that holds the lease
    log_path: str | None = None
    error: str | None = None  # one sentence
    attempts: int = 0  # how often it was taken from the queue; 0: begun by hand, outside of it
    due_at: datetime | None = None  # not before then
    requested_by: str = ""  # "schedule", "terminal", "discord:1234"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None  # of one key, one run waits and one runs
    artefacts: Mapping[str, Any] = field(default_factory=dict)  # what it made, by name: versions, paths
    target: str = "local"  # which machine trains
    tell: str | None = None  # "platform:chat" that waits to hear how it ends
    cancelled_by: str | None = None  # who asked it to stop
    traceparent: str | None = None  # W3C's, of the span that asked for it; None: nobody traces it yet


READ_EXPORTS = "ingest"  # the source of the cursors that say which exports need not be read again


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a source has been read."""

    source: str
    container: str
    value: Mapping[str, Any]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Promotion:
    """One change of the live adapter; None stands for the bare base model."""

    id: int
    version: str | None
    previous: str | None
    at: datetime
    why: str


Prompt = Sequence[ChatTurn]
