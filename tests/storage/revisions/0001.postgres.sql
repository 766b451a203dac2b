CREATE TABLE public.adapters (
    version text NOT NULL,
    base_model text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    sha256 text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    parent text,
    recipe json NOT NULL,
    corpus text,
    lineage text NOT NULL,
    report json NOT NULL,
    state character varying(20) NOT NULL,
    reasons text NOT NULL
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.cursors (
    source text NOT NULL,
    container text NOT NULL,
    value json NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.feedback (
    number bigint NOT NULL,
    id text NOT NULL,
    reply_key text NOT NULL,
    given_by text NOT NULL,
    role character varying(20) NOT NULL,
    kind character varying(20) NOT NULL,
    given_at timestamp with time zone NOT NULL,
    text text,
    withdrawn_at timestamp with time zone
);
CREATE SEQUENCE public.feedback_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.feedback_number_seq OWNED BY public.feedback.number;
CREATE TABLE public.messages (
    number bigint NOT NULL,
    key text NOT NULL,
    platform text NOT NULL,
    chat_id text NOT NULL,
    author_id text NOT NULL,
    author_name text NOT NULL,
    text text NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    by_twin boolean NOT NULL,
    by_owner boolean NOT NULL,
    reply_to text,
    stamp json,
    edited_at timestamp with time zone,
    deleted_at timestamp with time zone
);
CREATE SEQUENCE public.messages_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.messages_number_seq OWNED BY public.messages.number;
CREATE TABLE public.promotions (
    is_rollback boolean NOT NULL,
    id bigint NOT NULL,
    version text,
    previous text,
    at timestamp with time zone NOT NULL,
    why text NOT NULL
);
CREATE SEQUENCE public.promotions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.promotions_id_seq OWNED BY public.promotions.id;
CREATE TABLE public.records (
    id text NOT NULL,
    source text NOT NULL,
    kind character varying(20) NOT NULL,
    author_id text NOT NULL,
    by_owner boolean NOT NULL,
    thread_id text NOT NULL,
    said_at timestamp with time zone NOT NULL,
    text text NOT NULL,
    reply_to text,
    attachments json NOT NULL,
    tags text NOT NULL,
    lang text,
    audience text NOT NULL,
    origin text NOT NULL,
    "precision" character varying(20) NOT NULL,
    zone_source character varying(20) NOT NULL,
    edited_at timestamp with time zone,
    deleted_at timestamp with time zone
);
CREATE TABLE public.runs (
    exclusive boolean NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    state character varying(20) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    heartbeat_at timestamp with time zone,
    progress double precision NOT NULL,
    metrics json NOT NULL,
    worker text,
    log_path text,
    error text
);
ALTER TABLE ONLY public.feedback ALTER COLUMN number SET DEFAULT nextval('public.feedback_number_seq'::regclass);
ALTER TABLE ONLY public.messages ALTER COLUMN number SET DEFAULT nextval('public.messages_number_seq'::regclass);
ALTER TABLE ONLY public.promotions ALTER COLUMN id SET DEFAULT nextval('public.promotions_id_seq'::regclass);
INSERT INTO public.adapters VALUES ('version 0', 'base_model 0', 'method 0', 'path 0', 'sha256 0', '2026-03-01 12:00:00+00', NULL, '{}', NULL, '[]', '{}', 'live', '[]');
INSERT INTO public.adapters VALUES ('version 1', 'base_model 1', 'method 1', 'path 1', 'sha256 1', '2026-03-01 13:00:00+00', NULL, '{}', NULL, '[]', '{}', 'retired', '[]');
INSERT INTO public.alembic_version VALUES ('0001');
INSERT INTO public.cursors VALUES ('source 0', 'container 0', '{}', '2026-03-01 12:00:00+00');
INSERT INTO public.cursors VALUES ('source 1', 'container 1', '{}', '2026-03-01 13:00:00+00');
INSERT INTO public.feedback VALUES (1, 'id 0', 'reply_key 0', 'given_by 0', 'owner', 'up', '2026-03-01 12:00:00+00', NULL, NULL);
INSERT INTO public.feedback VALUES (2, 'id 1', 'reply_key 1', 'given_by 1', 'owner', 'up', '2026-03-01 13:00:00+00', NULL, NULL);
INSERT INTO public.messages VALUES (1, 'key 0', 'platform 0', 'chat_id 0', 'author_id 0', 'author_name 0', 'text 0', '2026-03-01 12:00:00+00', false, false, NULL, 'null', NULL, NULL);
INSERT INTO public.messages VALUES (2, 'key 1', 'platform 1', 'chat_id 1', 'author_id 1', 'author_name 1', 'text 1', '2026-03-01 13:00:00+00', false, false, NULL, 'null', NULL, NULL);
INSERT INTO public.promotions VALUES (false, 1, 'version 0', 'version 0', '2026-03-01 12:00:00+00', 'why 0');
INSERT INTO public.promotions VALUES (false, 2, 'version 0', 'version 0', '2026-03-01 13:00:00+00', 'why 1');
INSERT INTO public.records VALUES ('id 0', 'source 0', 'message', 'author_id 0', false, 'thread_id 0', '2026-03-01 12:00:00+00', 'text 0', NULL, '[]', '[]', NULL, 'owner', 'origin 0', 'second', 'explicit', NULL, NULL);
INSERT INTO public.records VALUES ('id 1', 'source 1', 'message', 'author_id 1', false, 'thread_id 1', '2026-03-01 13:00:00+00', 'text 1', NULL, '[]', '[]', NULL, 'owner', 'origin 1', 'second', 'explicit', NULL, NULL);
INSERT INTO public.runs VALUES (false, 'id 0', 'sft', 'passed', '2026-03-01 12:00:00+00', NULL, NULL, NULL, 0.5, '{}', NULL, NULL, NULL);
INSERT INTO public.runs VALUES (false, 'id 1', 'sft', 'passed', '2026-03-01 13:00:00+00', NULL, NULL, NULL, 0.5, '{}', NULL, NULL, NULL);
SELECT pg_catalog.setval('public.feedback_number_seq', 1, false);
SELECT pg_catalog.setval('public.messages_number_seq', 1, false);
SELECT pg_catalog.setval('public.promotions_id_seq', 1, false);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.adapters
    ADD CONSTRAINT pk_adapters PRIMARY KEY (version);
ALTER TABLE ONLY public.cursors
    ADD CONSTRAINT pk_cursors PRIMARY KEY (source, container);
ALTER TABLE ONLY public.feedback
    ADD CONSTRAINT pk_feedback PRIMARY KEY (number);
ALTER TABLE ONLY public.messages
    ADD CONSTRAINT pk_messages PRIMARY KEY (number);
ALTER TABLE ONLY public.promotions
    ADD CONSTRAINT pk_promotions PRIMARY KEY (id);
ALTER TABLE ONLY public.records
    ADD CONSTRAINT pk_records PRIMARY KEY (id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT pk_runs PRIMARY KEY (id);
ALTER TABLE ONLY public.feedback
    ADD CONSTRAINT uq_feedback_id UNIQUE (id);
ALTER TABLE ONLY public.messages
    ADD CONSTRAINT uq_messages_key UNIQUE (key);
CREATE INDEX ix_feedback_reply_key ON public.feedback USING btree (reply_key);
CREATE INDEX ix_messages_platform_chat_id_sent_at_number ON public.messages USING btree (platform, chat_id, sent_at, number);
CREATE INDEX ix_messages_reply_to ON public.messages USING btree (reply_to);
CREATE INDEX ix_messages_sent_at ON public.messages USING btree (sent_at);
CREATE INDEX ix_records_said_at_id ON public.records USING btree (said_at, id);
CREATE INDEX ix_records_source ON public.records USING btree (source);
CREATE INDEX ix_records_thread_id_said_at ON public.records USING btree (thread_id, said_at);
CREATE INDEX ix_runs_created_at ON public.runs USING btree (created_at);
CREATE UNIQUE INDEX only_one_exclusive_run ON public.runs USING btree (exclusive) WHERE (exclusive AND ((state)::text = 'running'::text));
CREATE UNIQUE INDEX only_one_live_adapter ON public.adapters USING btree (state) WHERE ((state)::text = 'live'::text);
ALTER TABLE ONLY public.promotions
    ADD CONSTRAINT fk_promotions_previous FOREIGN KEY (previous) REFERENCES public.adapters(version);
ALTER TABLE ONLY public.promotions
    ADD CONSTRAINT fk_promotions_version FOREIGN KEY (version) REFERENCES public.adapters(version);
