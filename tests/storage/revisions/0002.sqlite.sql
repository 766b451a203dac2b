BEGIN TRANSACTION;
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
	reasons TEXT NOT NULL, 
	CONSTRAINT pk_adapters PRIMARY KEY (version)
);
INSERT INTO "adapters" VALUES('version 0','base_model 0','method 0','path 0','sha256 0','2026-03-01 12:00:00.000000',NULL,'{}',NULL,'[]','{}','live','[]');
INSERT INTO "adapters" VALUES('version 1','base_model 1','method 1','path 1','sha256 1','2026-03-01 13:00:00.000000',NULL,'{}',NULL,'[]','{}','retired','[]');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE chats (
	platform TEXT NOT NULL, 
	chat_id TEXT NOT NULL, 
	server_id TEXT, 
	private BOOLEAN NOT NULL, 
	mode TEXT, 
	draft BOOLEAN, 
	quiet_until DATETIME, 
	quiet_why TEXT, 
	CONSTRAINT pk_chats PRIMARY KEY (platform, chat_id)
);
INSERT INTO "chats" VALUES('platform 0','chat_id 0',NULL,0,NULL,0,NULL,NULL);
INSERT INTO "chats" VALUES('platform 1','chat_id 1',NULL,0,NULL,0,NULL,NULL);
CREATE TABLE cursors (
	source TEXT NOT NULL, 
	container TEXT NOT NULL, 
	value JSON NOT NULL, 
	updated_at DATETIME NOT NULL, 
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
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_deliveries PRIMARY KEY (reply_key, part)
);
INSERT INTO "deliveries" VALUES('reply_key 0',1,'platform 0','chat_id 0','question_key 0','text 0','sent',NULL,'2026-03-01 12:00:00.000000');
INSERT INTO "deliveries" VALUES('reply_key 1',2,'platform 1','chat_id 1','question_key 1','text 1','sent',NULL,'2026-03-01 13:00:00.000000');
CREATE TABLE facts (
	id TEXT NOT NULL, 
	text TEXT NOT NULL, 
	told_at DATETIME NOT NULL, 
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
	withdrawn_at DATETIME, 
	CONSTRAINT pk_feedback PRIMARY KEY (number), 
	CONSTRAINT uq_feedback_id UNIQUE (id)
);
INSERT INTO "feedback" VALUES(1,'id 0','reply_key 0','given_by 0','owner','up','2026-03-01 12:00:00.000000',NULL,NULL);
INSERT INTO "feedback" VALUES(2,'id 1','reply_key 1','given_by 1','owner','up','2026-03-01 13:00:00.000000',NULL,NULL);
CREATE TABLE leases (
	name TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	until DATETIME NOT NULL, 
	CONSTRAINT pk_leases PRIMARY KEY (name)
);
INSERT INTO "leases" VALUES('name 0','holder 0','2026-03-01 12:00:00.000000');
INSERT INTO "leases" VALUES('name 1','holder 1','2026-03-01 13:00:00.000000');
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
	deleted_at DATETIME, waiting BOOLEAN DEFAULT 0 NOT NULL, outcome TEXT, unsent BOOLEAN DEFAULT 0 NOT NULL, server_id TEXT, private BOOLEAN DEFAULT 0 NOT NULL, as_owner BOOLEAN DEFAULT 0 NOT NULL, by_bot BOOLEAN DEFAULT 0 NOT NULL, author_roles TEXT DEFAULT '[]' NOT NULL, to_twin BOOLEAN DEFAULT 0 NOT NULL, to_others BOOLEAN DEFAULT 0 NOT NULL, media JSON DEFAULT '[]' NOT NULL, quote TEXT, album TEXT, 
	CONSTRAINT pk_messages PRIMARY KEY (number), 
	CONSTRAINT uq_messages_key UNIQUE ("key")
);
INSERT INTO "messages" VALUES(1,'key 0','platform 0','chat_id 0','author_id 0','author_name 0','text 0','2026-03-01 12:00:00.000000',0,0,NULL,'null',NULL,NULL,0,NULL,0,NULL,0,0,0,'[]',0,0,'[]',NULL,NULL);
INSERT INTO "messages" VALUES(2,'key 1','platform 1','chat_id 1','author_id 1','author_name 1','text 1','2026-03-01 13:00:00.000000',0,0,NULL,'null',NULL,NULL,0,NULL,0,NULL,0,0,0,'[]',0,0,'[]',NULL,NULL);
CREATE TABLE people (
	platform TEXT NOT NULL, 
	person_id TEXT NOT NULL, 
	consent VARCHAR(20) NOT NULL, 
	changed_at DATETIME NOT NULL, 
	CONSTRAINT pk_people PRIMARY KEY (platform, person_id)
);
INSERT INTO "people" VALUES('platform 0','person_id 0','agreed','2026-03-01 12:00:00.000000');
INSERT INTO "people" VALUES('platform 1','person_id 1','agreed','2026-03-01 13:00:00.000000');
CREATE TABLE promotions (
	is_rollback BOOLEAN NOT NULL, 
	id INTEGER NOT NULL, 
	version TEXT, 
	previous TEXT, 
	at DATETIME NOT NULL, 
	why TEXT NOT NULL, 
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
	asked_at DATETIME NOT NULL, 
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
	deleted_at DATETIME, 
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
	error TEXT, 
	CONSTRAINT pk_runs PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES(0,'id 0','sft','passed','2026-03-01 12:00:00.000000',NULL,NULL,NULL,0.5,'{}',NULL,NULL,NULL);
INSERT INTO "runs" VALUES(0,'id 1','sft','passed','2026-03-01 13:00:00.000000',NULL,NULL,NULL,0.5,'{}',NULL,NULL,NULL);
CREATE INDEX ix_records_source ON records (source);
CREATE INDEX ix_records_said_at_id ON records (said_at, id);
CREATE INDEX ix_records_thread_id_said_at ON records (thread_id, said_at);
CREATE INDEX ix_messages_sent_at ON messages (sent_at);
CREATE INDEX ix_messages_reply_to ON messages (reply_to);
CREATE INDEX ix_messages_platform_chat_id_sent_at_number ON messages (platform, chat_id, sent_at, number);
CREATE INDEX ix_feedback_reply_key ON feedback (reply_key);
CREATE UNIQUE INDEX only_one_live_adapter ON adapters (state) WHERE state = 'live';
CREATE INDEX ix_runs_created_at ON runs (created_at);
CREATE UNIQUE INDEX only_one_exclusive_run ON runs ("exclusive") WHERE exclusive AND state = 'running';
CREATE INDEX what_waits_for_an_answer ON messages (platform, chat_id, number) WHERE waiting;
CREATE INDEX ix_messages_platform_author_id ON messages (platform, author_id);
CREATE INDEX ix_deliveries_platform_message_id ON deliveries (platform, message_id);
CREATE INDEX what_is_not_delivered ON deliveries (platform, chat_id) WHERE state IN ('planned', 'sending', 'shown');
COMMIT;
