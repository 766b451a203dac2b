BEGIN TRANSACTION;
CREATE VIRTUAL TABLE memory_words USING fts5(text, content='memories', content_rowid='number', detail='none', tokenize='porter unicode61 remove_diacritics 2');
CREATE TABLE accounts (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	password_hash TEXT, 
	discord_id TEXT, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_accounts PRIMARY KEY (id), 
	CONSTRAINT uq_accounts_name UNIQUE (name), 
	CONSTRAINT uq_accounts_discord_id UNIQUE (discord_id)
);
INSERT INTO "accounts" VALUES('id 0','name 0','role 0','2026-03-01 12:00:00.000000',NULL,NULL);
INSERT INTO "accounts" VALUES('id 1','name 1','role 1','2026-03-01 13:00:00.000000',NULL,NULL);
CREATE TABLE adapters (
	version TEXT NOT NULL, 
	base_model TEXT NOT NULL, 
	method TEXT NOT NULL, 
	path TEXT NOT NULL, 
	sha256 TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	parent TEXT, 
	recipe JSON NOT NULL, 
	corpus TEXT, 
	lineage TEXT NOT NULL, 
	report JSON NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	reasons TEXT NOT NULL, canary_share DOUBLE, canary_since DATETIME, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_adapters PRIMARY KEY (version)
);
INSERT INTO "adapters" VALUES('version 0','base_model 0','method 0','path 0','sha256 0','2026-03-01 12:00:00.000000',NULL,'{}',NULL,'[]','{}','live','[]',0.5,NULL);
INSERT INTO "adapters" VALUES('version 1','base_model 1','method 1','path 1','sha256 1','2026-03-01 13:00:00.000000',NULL,'{}',NULL,'[]','{}','retired','[]',0.5,NULL);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0009');
CREATE TABLE answered (
	"key" TEXT NOT NULL, 
	request_hash TEXT NOT NULL, 
	status INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	at DATETIME NOT NULL, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_answered PRIMARY KEY ("key")
);
INSERT INTO "answered" VALUES('key 0','request_hash 0',1,'body 0','2026-03-01 12:00:00.000000');
INSERT INTO "answered" VALUES('key 1','request_hash 1',2,'body 1','2026-03-01 13:00:00.000000');
CREATE TABLE audit (
	number INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	who TEXT NOT NULL, 
	action TEXT NOT NULL, 
	about TEXT NOT NULL, 
	outcome TEXT NOT NULL, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_audit PRIMARY KEY (number)
);
INSERT INTO "audit" VALUES(1,'2026-03-01 12:00:00.000000','who 0','action 0','about 0','outcome 0');
INSERT INTO "audit" VALUES(2,'2026-03-01 13:00:00.000000','who 1','action 1','about 1','outcome 1');
CREATE TABLE chats (
	platform TEXT NOT NULL, 
	chat_id TEXT NOT NULL, 
	server_id TEXT, 
	private BOOLEAN NOT NULL, 
	mode TEXT, 
	draft BOOLEAN, 
	quiet_until DATETIME, 
	quiet_why TEXT, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_chats PRIMARY KEY (platform, chat_id)
);
INSERT INTO "chats" VALUES('platform 0','chat_id 0',NULL,0,NULL,0,NULL,NULL);
INSERT INTO "chats" VALUES('platform 1','chat_id 1',NULL,0,NULL,0,NULL,NULL);
CREATE TABLE cursors (
	source TEXT NOT NULL, 
	container TEXT NOT NULL, 
	value JSON NOT NULL, 
	updated_at DATETIME NOT NULL, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_cursors PRIMARY KEY (source, container)
);
INSERT INTO "cursors" VALUES('source 0','container 0','{}','2026-03-01 12:00:00.000000');
INSERT INTO "cursors" VALUES('source 1','container 1','{}','2026-03-01 13:00:00.000000');
CREATE TABLE deliveries (
	reply_key TEXT NOT NULL, 
	part INTEGER NOT NULL, 
	platform TEXT NOT NULL, 
	chat_id TEXT NOT NULL, 
	question_key TEXT NOT NULL, 
	text TEXT NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	message_id TEXT, 
	updated_at DATETIME NOT NULL, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_deliveries PRIMARY KEY (reply_key, part)
);
INSERT INTO "deliveries" VALUES('reply_key 0',1,'platform 0','chat_id 0','question_key 0','text 0','sent',NULL,'2026-03-01 12:00:00.000000');
INSERT INTO "deliveries" VALUES('reply_key 1',2,'platform 1','chat_id 1','question_key 1','text 1','sent',NULL,'2026-03-01 13:00:00.000000');
CREATE TABLE facts (
	id TEXT NOT NULL, 
	text TEXT NOT NULL, 
	told_at DATETIME NOT NULL, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_facts PRIMARY KEY (id)
);
INSERT INTO "facts" VALUES('id 0','text 0','2026-03-01 12:00:00.000000');
INSERT INTO "facts" VALUES('id 1','text 1','2026-03-01 13:00:00.000000');
CREATE TABLE feedback (
	number INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	reply_key TEXT NOT NULL, 
	given_by TEXT NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	given_at DATETIME NOT NULL, 
	text TEXT, 
	withdrawn_at DATETIME, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_feedback PRIMARY KEY (number), 
	CONSTRAINT uq_feedback_id UNIQUE (id)
);
INSERT INTO "feedback" VALUES(1,'id 0','reply_key 0','given_by 0','owner','up','2026-03-01 12:00:00.000000',NULL,NULL);
INSERT INTO "feedback" VALUES(2,'id 1','reply_key 1','given_by 1','owner','up','2026-03-01 13:00:00.000000',NULL,NULL);
CREATE TABLE leases (
	name TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	until DATETIME NOT NULL, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_leases PRIMARY KEY (name)
);
INSERT INTO "leases" VALUES('name 0','holder 0','2026-03-01 12:00:00.000000');
INSERT INTO "leases" VALUES('name 1','holder 1','2026-03-01 13:00:00.000000');
CREATE TABLE memories (
	number INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	"key" TEXT NOT NULL, 
	source TEXT NOT NULL, 
	speaker TEXT NOT NULL, 
	speaker_name TEXT NOT NULL, 
	by_owner BOOLEAN NOT NULL, 
	audience TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	said_at DATETIME NOT NULL, 
	text TEXT NOT NULL, 
	answer TEXT, 
	about TEXT, 
	lang TEXT, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_memories PRIMARY KEY (number), 
	CONSTRAINT uq_memories_key UNIQUE ("key")
);
INSERT INTO "memories" VALUES(4294967297,'fact','id 0','remember','owner','',1,'public','remember','2026-03-01 12:00:00.000000','text 0',NULL,NULL,NULL);
INSERT INTO "memories" VALUES(4294967298,'fact','id 1','remember','owner','',1,'public','remember','2026-03-01 13:00:00.000000','text 1',NULL,NULL,NULL);
INSERT INTO "memories" VALUES(8589934593,'said','key 0','platform 0','platform 0:author_id 0','author_name 0',0,'platform 0:chat_id 0','platform 0:chat_id 0','2026-03-01 12:00:00.000000','text 0',NULL,NULL,NULL);
INSERT INTO "memories" VALUES(12884901889,'said','key 1','platform 1','platform 1:author_id 1','author_name 1',0,'platform 1:chat_id 1','platform 1:chat_id 1','2026-03-01 13:00:00.000000','text 1',NULL,NULL,NULL);
CREATE TABLE memory_shelves (
	number INTEGER NOT NULL, 
	audience TEXT NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	last BIGINT NOT NULL, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_memory_shelves PRIMARY KEY (number)
);
INSERT INTO "memory_shelves" VALUES(1,'public','fact',2);
INSERT INTO "memory_shelves" VALUES(2,'platform 0:chat_id 0','said',1);
INSERT INTO "memory_shelves" VALUES(3,'platform 1:chat_id 1','said',1);
CREATE TABLE memory_vectors (
	number INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	vector BLOB NOT NULL, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_memory_vectors PRIMARY KEY (number)
);
INSERT INTO "memory_words" VALUES('text 0');
INSERT INTO "memory_words" VALUES('text 1');
INSERT INTO "memory_words" VALUES('text 0');
INSERT INTO "memory_words" VALUES('text 1');
CREATE TABLE messages (
	number INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	platform TEXT NOT NULL, 
	chat_id TEXT NOT NULL, 
	author_id TEXT NOT NULL, 
	author_name TEXT NOT NULL, 
	text TEXT NOT NULL, 
	sent_at DATETIME NOT NULL, 
	by_twin BOOLEAN NOT NULL, 
	by_owner BOOLEAN NOT NULL, 
	reply_to TEXT, 
	stamp JSON, 
	edited_at DATETIME, 
	deleted_at DATETIME, waiting BOOLEAN DEFAULT 0 NOT NULL, outcome TEXT, unsent BOOLEAN DEFAULT 0 NOT NULL, server_id TEXT, private BOOLEAN DEFAULT 0 NOT NULL, as_owner BOOLEAN DEFAULT 0 NOT NULL, by_bot BOOLEAN DEFAULT 0 NOT NULL, author_roles TEXT DEFAULT '[]' NOT NULL, to_twin BOOLEAN DEFAULT 0 NOT NULL, to_others BOOLEAN DEFAULT 0 NOT NULL, media JSON DEFAULT '[]' NOT NULL, quote TEXT, album TEXT, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_messages PRIMARY KEY (number), 
	CONSTRAINT uq_messages_key UNIQUE ("key")
);
INSERT INTO "messages" VALUES(1,'key 0','platform 0','chat_id 0','author_id 0','author_name 0','text 0','2026-03-01 12:00:00.000000',0,0,NULL,'null',NULL,NULL,0,NULL,0,NULL,0,0,0,'[]',0,0,'[]',NULL,NULL);
INSERT INTO "messages" VALUES(2,'key 1','platform 1','chat_id 1','author_id 1','author_name 1','text 1','2026-03-01 13:00:00.000000',0,0,NULL,'null',NULL,NULL,0,NULL,0,NULL,0,0,0,'[]',0,0,'[]',NULL,NULL);
CREATE TABLE people (
	platform TEXT NOT NULL, 
	person_id TEXT NOT NULL, 
	consent VARCHAR(20) NOT NULL, 
	changed_at DATETIME NOT NULL, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, per_minute INTEGER, tokens_per_day BIGINT, 
	CONSTRAINT pk_people PRIMARY KEY (platform, person_id)
);
INSERT INTO "people" VALUES('platform 0','person_id 0','agreed','2026-03-01 12:00:00.000000',1,1);
INSERT INTO "people" VALUES('platform 1','person_id 1','agreed','2026-03-01 13:00:00.000000',2,2);
CREATE TABLE promotions (
	is_rollback BOOLEAN NOT NULL, 
	id INTEGER NOT NULL, 
	version TEXT, 
	previous TEXT, 
	at DATETIME NOT NULL, 
	why TEXT NOT NULL, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_promotions PRIMARY KEY (id), 
	CONSTRAINT fk_promotions_version FOREIGN KEY(version) REFERENCES adapters (version), 
	CONSTRAINT fk_promotions_previous FOREIGN KEY(previous) REFERENCES adapters (version)
);
INSERT INTO "promotions" VALUES(0,1,'version 0','version 0','2026-03-01 12:00:00.000000','why 0');
INSERT INTO "promotions" VALUES(0,2,'version 0','version 0','2026-03-01 13:00:00.000000','why 1');
CREATE TABLE questions (
	"key" TEXT NOT NULL, 
	action TEXT NOT NULL, 
	person_id TEXT NOT NULL, 
	asked_at DATETIME NOT NULL, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_questions PRIMARY KEY ("key")
);
INSERT INTO "questions" VALUES('key 0','action 0','person_id 0','2026-03-01 12:00:00.000000');
INSERT INTO "questions" VALUES('key 1','action 1','person_id 1','2026-03-01 13:00:00.000000');
CREATE TABLE records (
	id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	author_id TEXT NOT NULL, 
	by_owner BOOLEAN NOT NULL, 
	thread_id TEXT NOT NULL, 
	said_at DATETIME NOT NULL, 
	text TEXT NOT NULL, 
	reply_to TEXT, 
	attachments JSON NOT NULL, 
	tags TEXT NOT NULL, 
	lang TEXT, 
	audience TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	precision VARCHAR(20) NOT NULL, 
	zone_source VARCHAR(20) NOT NULL, 
	edited_at DATETIME, 
	deleted_at DATETIME, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_records PRIMARY KEY (id)
);
INSERT INTO "records" VALUES('id 0','source 0','message','author_id 0',0,'thread_id 0','2026-03-01 12:00:00.000000','text 0',NULL,'[]','[]',NULL,'owner','origin 0','second','explicit',NULL,NULL);
INSERT INTO "records" VALUES('id 1','source 1','message','author_id 1',0,'thread_id 1','2026-03-01 13:00:00.000000','text 1',NULL,'[]','[]',NULL,'owner','origin 1','second','explicit',NULL,NULL);
CREATE TABLE runs (
	"exclusive" BOOLEAN NOT NULL, 
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	heartbeat_at DATETIME, 
	progress DOUBLE NOT NULL, 
	metrics JSON NOT NULL, 
	worker TEXT, 
	log_path TEXT, 
	error TEXT, attempts INTEGER DEFAULT '0' NOT NULL, due_at DATETIME, requested_by TEXT DEFAULT '' NOT NULL, parameters JSON DEFAULT '{}' NOT NULL, "key" TEXT, artefacts JSON DEFAULT '{}' NOT NULL, target TEXT DEFAULT 'local' NOT NULL, tell TEXT, cancelled_by TEXT, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_runs PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES(0,'id 0','sft','passed','2026-03-01 12:00:00.000000',NULL,NULL,NULL,0.5,'{}',NULL,NULL,NULL,1,NULL,'requested_by 0','{}',NULL,'{}','target 0',NULL,NULL);
INSERT INTO "runs" VALUES(0,'id 1','sft','passed','2026-03-01 13:00:00.000000',NULL,NULL,NULL,0.5,'{}',NULL,NULL,NULL,2,NULL,'requested_by 1','{}',NULL,'{}','target 1',NULL,NULL);
CREATE TABLE sessions (
	id TEXT NOT NULL, 
	account_id TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	agent TEXT NOT NULL, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_sessions PRIMARY KEY (id)
);
INSERT INTO "sessions" VALUES('id 0','account_id 0','2026-03-01 12:00:00.000000','2026-03-01 12:00:00.000000','2026-03-01 12:00:00.000000','agent 0');
INSERT INTO "sessions" VALUES('id 1','account_id 1','2026-03-01 13:00:00.000000','2026-03-01 13:00:00.000000','2026-03-01 13:00:00.000000','agent 1');
CREATE TABLE tokens (
	id TEXT NOT NULL, 
	account_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	used_at DATETIME, 
	expires_at DATETIME, 
	revoked_at DATETIME, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_tokens PRIMARY KEY (id), 
	CONSTRAINT uq_tokens_hash UNIQUE (hash)
);
INSERT INTO "tokens" VALUES('id 0','account_id 0','name 0','hash 0','[]','2026-03-01 12:00:00.000000',NULL,NULL,NULL);
INSERT INTO "tokens" VALUES('id 1','account_id 1','name 1','hash 1','[]','2026-03-01 13:00:00.000000',NULL,NULL,NULL);
CREATE TABLE usage (
	day TEXT NOT NULL, 
	platform TEXT NOT NULL, 
	chat_id TEXT NOT NULL, 
	person_id TEXT NOT NULL, 
	replies BIGINT NOT NULL, 
	prompt_tokens BIGINT NOT NULL, 
	completion_tokens BIGINT NOT NULL, 
	milliseconds BIGINT NOT NULL, 
	told_at DATETIME, twin TEXT NOT NULL GENERATED ALWAYS AS ('twin') VIRTUAL, 
	CONSTRAINT pk_usage PRIMARY KEY (day, platform, chat_id, person_id)
);
INSERT INTO "usage" VALUES('day 0','platform 0','chat_id 0','person_id 0',1,1,1,1,NULL);
INSERT INTO "usage" VALUES('day 1','platform 1','chat_id 1','person_id 1',2,2,2,2,NULL);
CREATE INDEX ix_records_source ON records (source);
CREATE INDEX ix_records_said_at_id ON records (said_at, id);
CREATE INDEX ix_records_thread_id_said_at ON records (thread_id, said_at);
CREATE INDEX ix_messages_sent_at ON messages (sent_at);
CREATE INDEX ix_messages_reply_to ON messages (reply_to);
CREATE INDEX ix_messages_platform_chat_id_sent_at_number ON messages (platform, chat_id, sent_at, number);
CREATE INDEX ix_feedback_reply_key ON feedback (reply_key);
CREATE INDEX ix_runs_created_at ON runs (created_at);
CREATE UNIQUE INDEX only_one_exclusive_run ON runs ("exclusive") WHERE exclusive AND state = 'running';
CREATE INDEX what_waits_for_an_answer ON messages (platform, chat_id, number) WHERE waiting;
CREATE INDEX ix_messages_platform_author_id ON messages (platform, author_id);
CREATE INDEX ix_deliveries_platform_message_id ON deliveries (platform, message_id);
CREATE INDEX what_is_not_delivered ON deliveries (platform, chat_id) WHERE state IN ('planned', 'sending', 'shown');
CREATE UNIQUE INDEX one_live_adapter_and_one_canary ON adapters (state) WHERE state IN ('live', 'canary');
CREATE UNIQUE INDEX one_shelf_for_each ON memory_shelves (audience, kind);
CREATE INDEX what_was_asked ON memories (about) WHERE about IS NOT NULL;
CREATE TRIGGER memory_of_records_added AFTER INSERT ON records WHEN NEW.by_owner AND NEW.source <> 'teach' BEGIN INSERT INTO memory_shelves (audience, kind, last) SELECT t.audience, t.kind, 0 FROM (SELECT * FROM (
        SELECT 'said' AS kind, r.id AS key, r.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, r.audience, r.thread_id AS thread, r.said_at,
            r.text, NULL AS answer, NULL AS about, r.lang
        FROM records r
        WHERE r.by_owner AND r.deleted_at IS NULL AND r.text <> '' AND r.source <> 'teach'
            AND r.kind NOT IN ('view', 'commit')) s WHERE s.key = NEW.id LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind); UPDATE memory_shelves SET last = last + 1 WHERE number = (SELECT h.number FROM (SELECT * FROM (
        SELECT 'said' AS kind, r.id AS key, r.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, r.audience, r.thread_id AS thread, r.said_at,
            r.text, NULL AS answer, NULL AS about, r.lang
        FROM records r
        WHERE r.by_owner AND r.deleted_at IS NULL AND r.text <> '' AND r.source <> 'teach'
            AND r.kind NOT IN ('view', 'commit')) s WHERE s.key = NEW.id LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind); INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang) SELECT h.number * 4294967296 + h.last, t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang FROM (SELECT * FROM (
        SELECT 'said' AS kind, r.id AS key, r.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, r.audience, r.thread_id AS thread, r.said_at,
            r.text, NULL AS answer, NULL AS about, r.lang
        FROM records r
        WHERE r.by_owner AND r.deleted_at IS NULL AND r.text <> '' AND r.source <> 'teach'
            AND r.kind NOT IN ('view', 'commit')) s WHERE s.key = NEW.id LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind; END;
CREATE TRIGGER memory_of_records_changed AFTER UPDATE OF text, audience, said_at, by_owner, deleted_at ON records WHEN OLD.source <> 'teach' AND (OLD.text IS NOT NEW.text OR OLD.audience IS NOT NEW.audience OR OLD.said_at IS NOT NEW.said_at OR OLD.by_owner IS NOT NEW.by_owner OR OLD.deleted_at IS NOT NEW.deleted_at) BEGIN DELETE FROM memories WHERE key = OLD.id; INSERT INTO memory_shelves (audience, kind, last) SELECT t.audience, t.kind, 0 FROM (SELECT * FROM (
        SELECT 'said' AS kind, r.id AS key, r.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, r.audience, r.thread_id AS thread, r.said_at,
            r.text, NULL AS answer, NULL AS about, r.lang
        FROM records r
        WHERE r.by_owner AND r.deleted_at IS NULL AND r.text <> '' AND r.source <> 'teach'
            AND r.kind NOT IN ('view', 'commit')) s WHERE s.key = NEW.id LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind); UPDATE memory_shelves SET last = last + 1 WHERE number = (SELECT h.number FROM (SELECT * FROM (
        SELECT 'said' AS kind, r.id AS key, r.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, r.audience, r.thread_id AS thread, r.said_at,
            r.text, NULL AS answer, NULL AS about, r.lang
        FROM records r
        WHERE r.by_owner AND r.deleted_at IS NULL AND r.text <> '' AND r.source <> 'teach'
            AND r.kind NOT IN ('view', 'commit')) s WHERE s.key = NEW.id LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind); INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang) SELECT h.number * 4294967296 + h.last, t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang FROM (SELECT * FROM (
        SELECT 'said' AS kind, r.id AS key, r.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, r.audience, r.thread_id AS thread, r.said_at,
            r.text, NULL AS answer, NULL AS about, r.lang
        FROM records r
        WHERE r.by_owner AND r.deleted_at IS NULL AND r.text <> '' AND r.source <> 'teach'
            AND r.kind NOT IN ('view', 'commit')) s WHERE s.key = NEW.id LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind; END;
CREATE TRIGGER memory_of_records_gone AFTER DELETE ON records BEGIN DELETE FROM memories WHERE key = OLD.id; END;
CREATE TRIGGER memory_of_lessons_added AFTER INSERT ON records WHEN NEW.source = 'teach' BEGIN INSERT INTO memory_shelves (audience, kind, last) SELECT t.audience, t.kind, 0 FROM (SELECT * FROM (
        SELECT 'example' AS kind, a.id AS key, a.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience, a.thread_id AS thread,
            a.said_at, q.text, a.text AS answer, q.id AS about, a.lang
        FROM records a JOIN records q ON q.id = a.reply_to
        WHERE a.by_owner AND a.source = 'teach' AND a.deleted_at IS NULL AND q.deleted_at IS NULL
            AND a.text <> '' AND q.text <> '') s WHERE s.key IN (SELECT x.id FROM records x WHERE x.source = 'teach' AND NEW.id IN (x.id, x.reply_to)) LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind); UPDATE memory_shelves SET last = last + 1 WHERE number = (SELECT h.number FROM (SELECT * FROM (
        SELECT 'example' AS kind, a.id AS key, a.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience, a.thread_id AS thread,
            a.said_at, q.text, a.text AS answer, q.id AS about, a.lang
        FROM records a JOIN records q ON q.id = a.reply_to
        WHERE a.by_owner AND a.source = 'teach' AND a.deleted_at IS NULL AND q.deleted_at IS NULL
            AND a.text <> '' AND q.text <> '') s WHERE s.key IN (SELECT x.id FROM records x WHERE x.source = 'teach' AND NEW.id IN (x.id, x.reply_to)) LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind); INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang) SELECT h.number * 4294967296 + h.last, t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang FROM (SELECT * FROM (
        SELECT 'example' AS kind, a.id AS key, a.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience, a.thread_id AS thread,
            a.said_at, q.text, a.text AS answer, q.id AS about, a.lang
        FROM records a JOIN records q ON q.id = a.reply_to
        WHERE a.by_owner AND a.source = 'teach' AND a.deleted_at IS NULL AND q.deleted_at IS NULL
            AND a.text <> '' AND q.text <> '') s WHERE s.key IN (SELECT x.id FROM records x WHERE x.source = 'teach' AND NEW.id IN (x.id, x.reply_to)) LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind; END;
CREATE TRIGGER memory_of_lessons_changed AFTER UPDATE OF text, audience, said_at, by_owner, deleted_at ON records WHEN OLD.source = 'teach' AND (OLD.text IS NOT NEW.text OR OLD.audience IS NOT NEW.audience OR OLD.said_at IS NOT NEW.said_at OR OLD.by_owner IS NOT NEW.by_owner OR OLD.deleted_at IS NOT NEW.deleted_at) BEGIN DELETE FROM memories WHERE (key = OLD.id OR about = OLD.id); INSERT INTO memory_shelves (audience, kind, last) SELECT t.audience, t.kind, 0 FROM (SELECT * FROM (
        SELECT 'example' AS kind, a.id AS key, a.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience, a.thread_id AS thread,
            a.said_at, q.text, a.text AS answer, q.id AS about, a.lang
        FROM records a JOIN records q ON q.id = a.reply_to
        WHERE a.by_owner AND a.source = 'teach' AND a.deleted_at IS NULL AND q.deleted_at IS NULL
            AND a.text <> '' AND q.text <> '') s WHERE s.key IN (SELECT x.id FROM records x WHERE x.source = 'teach' AND NEW.id IN (x.id, x.reply_to)) LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind); UPDATE memory_shelves SET last = last + 1 WHERE number = (SELECT h.number FROM (SELECT * FROM (
        SELECT 'example' AS kind, a.id AS key, a.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience, a.thread_id AS thread,
            a.said_at, q.text, a.text AS answer, q.id AS about, a.lang
        FROM records a JOIN records q ON q.id = a.reply_to
        WHERE a.by_owner AND a.source = 'teach' AND a.deleted_at IS NULL AND q.deleted_at IS NULL
            AND a.text <> '' AND q.text <> '') s WHERE s.key IN (SELECT x.id FROM records x WHERE x.source = 'teach' AND NEW.id IN (x.id, x.reply_to)) LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind); INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang) SELECT h.number * 4294967296 + h.last, t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang FROM (SELECT * FROM (
        SELECT 'example' AS kind, a.id AS key, a.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience, a.thread_id AS thread,
            a.said_at, q.text, a.text AS answer, q.id AS about, a.lang
        FROM records a JOIN records q ON q.id = a.reply_to
        WHERE a.by_owner AND a.source = 'teach' AND a.deleted_at IS NULL AND q.deleted_at IS NULL
            AND a.text <> '' AND q.text <> '') s WHERE s.key IN (SELECT x.id FROM records x WHERE x.source = 'teach' AND NEW.id IN (x.id, x.reply_to)) LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind; END;
CREATE TRIGGER memory_of_lessons_gone AFTER DELETE ON records BEGIN DELETE FROM memories WHERE (key = OLD.id OR about = OLD.id); END;
CREATE TRIGGER memory_of_messages_added AFTER INSERT ON messages WHEN NOT NEW.by_twin BEGIN INSERT INTO memory_shelves (audience, kind, last) SELECT t.audience, t.kind, 0 FROM (SELECT * FROM (
        SELECT 'said' AS kind, m.key AS key, m.platform AS source,
            CASE WHEN m.by_owner THEN 'owner' ELSE m.platform || ':' || m.author_id END AS speaker,
            CASE WHEN m.by_owner THEN '' ELSE m.author_name END AS speaker_name, m.by_owner,
            CASE WHEN m.private AND m.by_owner AND NOT m.as_owner THEN 'owner'
                ELSE m.platform || ':' || m.chat_id END AS audience,
            m.platform || ':' || m.chat_id AS thread, m.sent_at AS said_at, m.text, NULL AS answer,
            NULL AS about, NULL AS lang
        FROM messages m
        WHERE NOT m.by_twin AND NOT m.by_bot AND m.deleted_at IS NULL AND m.text <> '') s WHERE s.key = NEW.key LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind); UPDATE memory_shelves SET last = last + 1 WHERE number = (SELECT h.number FROM (SELECT * FROM (
        SELECT 'said' AS kind, m.key AS key, m.platform AS source,
            CASE WHEN m.by_owner THEN 'owner' ELSE m.platform || ':' || m.author_id END AS speaker,
            CASE WHEN m.by_owner THEN '' ELSE m.author_name END AS speaker_name, m.by_owner,
            CASE WHEN m.private AND m.by_owner AND NOT m.as_owner THEN 'owner'
                ELSE m.platform || ':' || m.chat_id END AS audience,
            m.platform || ':' || m.chat_id AS thread, m.sent_at AS said_at, m.text, NULL AS answer,
            NULL AS about, NULL AS lang
        FROM messages m
        WHERE NOT m.by_twin AND NOT m.by_bot AND m.deleted_at IS NULL AND m.text <> '') s WHERE s.key = NEW.key LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind); INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang) SELECT h.number * 4294967296 + h.last, t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang FROM (SELECT * FROM (
        SELECT 'said' AS kind, m.key AS key, m.platform AS source,
            CASE WHEN m.by_owner THEN 'owner' ELSE m.platform || ':' || m.author_id END AS speaker,
            CASE WHEN m.by_owner THEN '' ELSE m.author_name END AS speaker_name, m.by_owner,
            CASE WHEN m.private AND m.by_owner AND NOT m.as_owner THEN 'owner'
                ELSE m.platform || ':' || m.chat_id END AS audience,
            m.platform || ':' || m.chat_id AS thread, m.sent_at AS said_at, m.text, NULL AS answer,
            NULL AS about, NULL AS lang
        FROM messages m
        WHERE NOT m.by_twin AND NOT m.by_bot AND m.deleted_at IS NULL AND m.text <> '') s WHERE s.key = NEW.key LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind; END;
CREATE TRIGGER memory_of_messages_changed AFTER UPDATE OF text, deleted_at ON messages WHEN TRUE AND (OLD.text IS NOT NEW.text OR OLD.deleted_at IS NOT NEW.deleted_at) BEGIN DELETE FROM memories WHERE (key = OLD.key OR about = OLD.key OR key IN (SELECT s.id FROM feedback s WHERE s.reply_key = OLD.key)); INSERT INTO memory_shelves (audience, kind, last) SELECT t.audience, t.kind, 0 FROM (SELECT * FROM (
        SELECT 'said' AS kind, m.key AS key, m.platform AS source,
            CASE WHEN m.by_owner THEN 'owner' ELSE m.platform || ':' || m.author_id END AS speaker,
            CASE WHEN m.by_owner THEN '' ELSE m.author_name END AS speaker_name, m.by_owner,
            CASE WHEN m.private AND m.by_owner AND NOT m.as_owner THEN 'owner'
                ELSE m.platform || ':' || m.chat_id END AS audience,
            m.platform || ':' || m.chat_id AS thread, m.sent_at AS said_at, m.text, NULL AS answer,
            NULL AS about, NULL AS lang
        FROM messages m
        WHERE NOT m.by_twin AND NOT m.by_bot AND m.deleted_at IS NULL AND m.text <> '') s WHERE s.key = NEW.key LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind); UPDATE memory_shelves SET last = last + 1 WHERE number = (SELECT h.number FROM (SELECT * FROM (
        SELECT 'said' AS kind, m.key AS key, m.platform AS source,
            CASE WHEN m.by_owner THEN 'owner' ELSE m.platform || ':' || m.author_id END AS speaker,
            CASE WHEN m.by_owner THEN '' ELSE m.author_name END AS speaker_name, m.by_owner,
            CASE WHEN m.private AND m.by_owner AND NOT m.as_owner THEN 'owner'
                ELSE m.platform || ':' || m.chat_id END AS audience,
            m.platform || ':' || m.chat_id AS thread, m.sent_at AS said_at, m.text, NULL AS answer,
            NULL AS about, NULL AS lang
        FROM messages m
        WHERE NOT m.by_twin AND NOT m.by_bot AND m.deleted_at IS NULL AND m.text <> '') s WHERE s.key = NEW.key LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind); INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang) SELECT h.number * 4294967296 + h.last, t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang FROM (SELECT * FROM (
        SELECT 'said' AS kind, m.key AS key, m.platform AS source,
            CASE WHEN m.by_owner THEN 'owner' ELSE m.platform || ':' || m.author_id END AS speaker,
            CASE WHEN m.by_owner THEN '' ELSE m.author_name END AS speaker_name, m.by_owner,
            CASE WHEN m.private AND m.by_owner AND NOT m.as_owner THEN 'owner'
                ELSE m.platform || ':' || m.chat_id END AS audience,
            m.platform || ':' || m.chat_id AS thread, m.sent_at AS said_at, m.text, NULL AS answer,
            NULL AS about, NULL AS lang
        FROM messages m
        WHERE NOT m.by_twin AND NOT m.by_bot AND m.deleted_at IS NULL AND m.text <> '') s WHERE s.key = NEW.key LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind; END;
CREATE TRIGGER memory_of_messages_gone AFTER DELETE ON messages BEGIN DELETE FROM memories WHERE (key = OLD.key OR about = OLD.key OR key IN (SELECT s.id FROM feedback s WHERE s.reply_key = OLD.key)); END;
CREATE TRIGGER memory_of_facts_added AFTER INSERT ON facts WHEN TRUE BEGIN INSERT INTO memory_shelves (audience, kind, last) SELECT t.audience, t.kind, 0 FROM (SELECT * FROM (
        SELECT 'fact' AS kind, f.id AS key, 'remember' AS source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience,
            'remember' AS thread, f.told_at AS said_at, f.text, NULL AS answer, NULL AS about, NULL AS lang
        FROM facts f WHERE f.text <> '') s WHERE s.key = NEW.id LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind); UPDATE memory_shelves SET last = last + 1 WHERE number = (SELECT h.number FROM (SELECT * FROM (
        SELECT 'fact' AS kind, f.id AS key, 'remember' AS source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience,
            'remember' AS thread, f.told_at AS said_at, f.text, NULL AS answer, NULL AS about, NULL AS lang
        FROM facts f WHERE f.text <> '') s WHERE s.key = NEW.id LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind); INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang) SELECT h.number * 4294967296 + h.last, t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang FROM (SELECT * FROM (
        SELECT 'fact' AS kind, f.id AS key, 'remember' AS source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience,
            'remember' AS thread, f.told_at AS said_at, f.text, NULL AS answer, NULL AS about, NULL AS lang
        FROM facts f WHERE f.text <> '') s WHERE s.key = NEW.id LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind; END;
CREATE TRIGGER memory_of_facts_changed AFTER UPDATE OF text ON facts WHEN TRUE AND (OLD.text IS NOT NEW.text) BEGIN DELETE FROM memories WHERE key = OLD.id; INSERT INTO memory_shelves (audience, kind, last) SELECT t.audience, t.kind, 0 FROM (SELECT * FROM (
        SELECT 'fact' AS kind, f.id AS key, 'remember' AS source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience,
            'remember' AS thread, f.told_at AS said_at, f.text, NULL AS answer, NULL AS about, NULL AS lang
        FROM facts f WHERE f.text <> '') s WHERE s.key = NEW.id LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind); UPDATE memory_shelves SET last = last + 1 WHERE number = (SELECT h.number FROM (SELECT * FROM (
        SELECT 'fact' AS kind, f.id AS key, 'remember' AS source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience,
            'remember' AS thread, f.told_at AS said_at, f.text, NULL AS answer, NULL AS about, NULL AS lang
        FROM facts f WHERE f.text <> '') s WHERE s.key = NEW.id LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind); INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang) SELECT h.number * 4294967296 + h.last, t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang FROM (SELECT * FROM (
        SELECT 'fact' AS kind, f.id AS key, 'remember' AS source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience,
            'remember' AS thread, f.told_at AS said_at, f.text, NULL AS answer, NULL AS about, NULL AS lang
        FROM facts f WHERE f.text <> '') s WHERE s.key = NEW.id LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind; END;
CREATE TRIGGER memory_of_facts_gone AFTER DELETE ON facts BEGIN DELETE FROM memories WHERE key = OLD.id; END;
CREATE TRIGGER memory_of_corrections_added AFTER INSERT ON feedback WHEN NEW.kind = 'correction' BEGIN INSERT INTO memory_shelves (audience, kind, last) SELECT t.audience, t.kind, 0 FROM (SELECT * FROM (
        SELECT 'example' AS kind, f.id AS key, 'correction' AS source,
            CASE WHEN q.by_owner THEN 'owner' ELSE q.platform || ':' || q.author_id END AS speaker,
            CASE WHEN q.by_owner THEN '' ELSE q.author_name END AS speaker_name, q.by_owner,
            CASE WHEN q.private AND q.by_owner AND NOT q.as_owner THEN 'owner'
                ELSE q.platform || ':' || q.chat_id END AS audience,
            q.platform || ':' || q.chat_id AS thread, f.given_at AS said_at, q.text, f.text AS answer,
            q.key AS about, NULL AS lang
        FROM feedback f JOIN messages r ON r.key = f.reply_key
            JOIN messages q ON q.key = r.reply_to
        WHERE f.kind = 'correction' AND f.role = 'owner' AND f.withdrawn_at IS NULL AND f.text <> ''
            AND r.by_twin AND r.deleted_at IS NULL AND q.deleted_at IS NULL AND q.text <> '') s WHERE s.key = NEW.id LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind); UPDATE memory_shelves SET last = last + 1 WHERE number = (SELECT h.number FROM (SELECT * FROM (
        SELECT 'example' AS kind, f.id AS key, 'correction' AS source,
            CASE WHEN q.by_owner THEN 'owner' ELSE q.platform || ':' || q.author_id END AS speaker,
            CASE WHEN q.by_owner THEN '' ELSE q.author_name END AS speaker_name, q.by_owner,
            CASE WHEN q.private AND q.by_owner AND NOT q.as_owner THEN 'owner'
                ELSE q.platform || ':' || q.chat_id END AS audience,
            q.platform || ':' || q.chat_id AS thread, f.given_at AS said_at, q.text, f.text AS answer,
            q.key AS about, NULL AS lang
        FROM feedback f JOIN messages r ON r.key = f.reply_key
            JOIN messages q ON q.key = r.reply_to
        WHERE f.kind = 'correction' AND f.role = 'owner' AND f.withdrawn_at IS NULL AND f.text <> ''
            AND r.by_twin AND r.deleted_at IS NULL AND q.deleted_at IS NULL AND q.text <> '') s WHERE s.key = NEW.id LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind); INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang) SELECT h.number * 4294967296 + h.last, t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang FROM (SELECT * FROM (
        SELECT 'example' AS kind, f.id AS key, 'correction' AS source,
            CASE WHEN q.by_owner THEN 'owner' ELSE q.platform || ':' || q.author_id END AS speaker,
            CASE WHEN q.by_owner THEN '' ELSE q.author_name END AS speaker_name, q.by_owner,
            CASE WHEN q.private AND q.by_owner AND NOT q.as_owner THEN 'owner'
                ELSE q.platform || ':' || q.chat_id END AS audience,
            q.platform || ':' || q.chat_id AS thread, f.given_at AS said_at, q.text, f.text AS answer,
            q.key AS about, NULL AS lang
        FROM feedback f JOIN messages r ON r.key = f.reply_key
            JOIN messages q ON q.key = r.reply_to
        WHERE f.kind = 'correction' AND f.role = 'owner' AND f.withdrawn_at IS NULL AND f.text <> ''
            AND r.by_twin AND r.deleted_at IS NULL AND q.deleted_at IS NULL AND q.text <> '') s WHERE s.key = NEW.id LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind; END;
CREATE TRIGGER memory_of_corrections_changed AFTER UPDATE OF text, withdrawn_at ON feedback WHEN TRUE AND (OLD.text IS NOT NEW.text OR OLD.withdrawn_at IS NOT NEW.withdrawn_at) BEGIN DELETE FROM memories WHERE key = OLD.id; INSERT INTO memory_shelves (audience, kind, last) SELECT t.audience, t.kind, 0 FROM (SELECT * FROM (
        SELECT 'example' AS kind, f.id AS key, 'correction' AS source,
            CASE WHEN q.by_owner THEN 'owner' ELSE q.platform || ':' || q.author_id END AS speaker,
            CASE WHEN q.by_owner THEN '' ELSE q.author_name END AS speaker_name, q.by_owner,
            CASE WHEN q.private AND q.by_owner AND NOT q.as_owner THEN 'owner'
                ELSE q.platform || ':' || q.chat_id END AS audience,
            q.platform || ':' || q.chat_id AS thread, f.given_at AS said_at, q.text, f.text AS answer,
            q.key AS about, NULL AS lang
        FROM feedback f JOIN messages r ON r.key = f.reply_key
            JOIN messages q ON q.key = r.reply_to
        WHERE f.kind = 'correction' AND f.role = 'owner' AND f.withdrawn_at IS NULL AND f.text <> ''
            AND r.by_twin AND r.deleted_at IS NULL AND q.deleted_at IS NULL AND q.text <> '') s WHERE s.key = NEW.id LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind); UPDATE memory_shelves SET last = last + 1 WHERE number = (SELECT h.number FROM (SELECT * FROM (
        SELECT 'example' AS kind, f.id AS key, 'correction' AS source,
            CASE WHEN q.by_owner THEN 'owner' ELSE q.platform || ':' || q.author_id END AS speaker,
            CASE WHEN q.by_owner THEN '' ELSE q.author_name END AS speaker_name, q.by_owner,
            CASE WHEN q.private AND q.by_owner AND NOT q.as_owner THEN 'owner'
                ELSE q.platform || ':' || q.chat_id END AS audience,
            q.platform || ':' || q.chat_id AS thread, f.given_at AS said_at, q.text, f.text AS answer,
            q.key AS about, NULL AS lang
        FROM feedback f JOIN messages r ON r.key = f.reply_key
            JOIN messages q ON q.key = r.reply_to
        WHERE f.kind = 'correction' AND f.role = 'owner' AND f.withdrawn_at IS NULL AND f.text <> ''
            AND r.by_twin AND r.deleted_at IS NULL AND q.deleted_at IS NULL AND q.text <> '') s WHERE s.key = NEW.id LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind); INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang) SELECT h.number * 4294967296 + h.last, t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang FROM (SELECT * FROM (
        SELECT 'example' AS kind, f.id AS key, 'correction' AS source,
            CASE WHEN q.by_owner THEN 'owner' ELSE q.platform || ':' || q.author_id END AS speaker,
            CASE WHEN q.by_owner THEN '' ELSE q.author_name END AS speaker_name, q.by_owner,
            CASE WHEN q.private AND q.by_owner AND NOT q.as_owner THEN 'owner'
                ELSE q.platform || ':' || q.chat_id END AS audience,
            q.platform || ':' || q.chat_id AS thread, f.given_at AS said_at, q.text, f.text AS answer,
            q.key AS about, NULL AS lang
        FROM feedback f JOIN messages r ON r.key = f.reply_key
            JOIN messages q ON q.key = r.reply_to
        WHERE f.kind = 'correction' AND f.role = 'owner' AND f.withdrawn_at IS NULL AND f.text <> ''
            AND r.by_twin AND r.deleted_at IS NULL AND q.deleted_at IS NULL AND q.text <> '') s WHERE s.key = NEW.id LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind; END;
CREATE TRIGGER memory_of_corrections_gone AFTER DELETE ON feedback BEGIN DELETE FROM memories WHERE key = OLD.id; END;
CREATE TRIGGER memory_added AFTER INSERT ON memories BEGIN INSERT INTO memory_words (rowid, text) VALUES (NEW.number, NEW.text); END;
CREATE TRIGGER memory_gone AFTER DELETE ON memories BEGIN INSERT INTO memory_words (memory_words, rowid, text) VALUES ('delete', OLD.number, OLD.text); DELETE FROM memory_vectors WHERE number = OLD.number; END;
CREATE UNIQUE INDEX one_queued_run_of_a_key ON runs ("key") WHERE state = 'queued';
CREATE INDEX runs_that_are_not_over ON runs (state) WHERE state IN ('queued', 'running');
CREATE INDEX ix_sessions_account_id ON sessions (account_id);
CREATE INDEX ix_tokens_account_id ON tokens (account_id);
CREATE INDEX ix_answered_at ON answered (at);
CREATE INDEX ix_usage_platform_person_id_day ON usage (platform, person_id, day);
INSERT INTO memory_words (memory_words) VALUES ('rebuild');
COMMIT;
