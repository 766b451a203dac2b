CREATE FUNCTION public.memory_added() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO memory_words SELECT unnest(tsvector_to_array(to_tsvector('english', NEW.text))), NEW.number, NEW.twin; RETURN NULL; END $$;
CREATE FUNCTION public.memory_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN DELETE FROM memory_vectors WHERE number = OLD.number AND twin = OLD.twin; DELETE FROM memory_words WHERE number = OLD.number AND twin = OLD.twin AND word = ANY (tsvector_to_array(to_tsvector('english', OLD.text))); RETURN NULL; END $$;
CREATE FUNCTION public.memory_of_corrections() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF TG_OP <> 'INSERT' THEN DELETE FROM memories WHERE key = OLD.id AND twin = OLD.twin; END IF; IF TG_OP <> 'DELETE' THEN INSERT INTO memory_shelves (audience, kind, last, twin) SELECT t.audience, t.kind, 0, t.twin FROM (SELECT * FROM (
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
            AND r.by_twin AND r.deleted_at IS NULL AND q.deleted_at IS NULL AND q.text <> '') s WHERE s.key = NEW.id AND s.twin = NEW.twin LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind AND h.twin = t.twin) ON CONFLICT DO NOTHING; INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang, twin) SELECT h.number * 4294967296 + nextval('memory_numbers'), t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang, t.twin FROM (SELECT * FROM (
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
            AND r.by_twin AND r.deleted_at IS NULL AND q.deleted_at IS NULL AND q.text <> '') s WHERE s.key = NEW.id AND s.twin = NEW.twin LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind AND h.twin = t.twin; END IF; RETURN NULL; END $$;
CREATE FUNCTION public.memory_of_facts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF TG_OP <> 'INSERT' THEN DELETE FROM memories WHERE key = OLD.id AND twin = OLD.twin; END IF; IF TG_OP <> 'DELETE' THEN INSERT INTO memory_shelves (audience, kind, last, twin) SELECT t.audience, t.kind, 0, t.twin FROM (SELECT * FROM (
        SELECT 'fact' AS kind, f.id AS key, 'remember' AS source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience,
            'remember' AS thread, f.told_at AS said_at, f.text, NULL AS answer, NULL AS about, NULL AS lang,
            f.twin
        FROM facts f WHERE f.text <> '') s WHERE s.key = NEW.id AND s.twin = NEW.twin LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind AND h.twin = t.twin) ON CONFLICT DO NOTHING; INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang, twin) SELECT h.number * 4294967296 + nextval('memory_numbers'), t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang, t.twin FROM (SELECT * FROM (
        SELECT 'fact' AS kind, f.id AS key, 'remember' AS source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience,
            'remember' AS thread, f.told_at AS said_at, f.text, NULL AS answer, NULL AS about, NULL AS lang,
            f.twin
        FROM facts f WHERE f.text <> '') s WHERE s.key = NEW.id AND s.twin = NEW.twin LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind AND h.twin = t.twin; END IF; RETURN NULL; END $$;
CREATE FUNCTION public.memory_of_lessons() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF TG_OP <> 'INSERT' THEN DELETE FROM memories WHERE (key = OLD.id OR about = OLD.id) AND twin = OLD.twin; END IF; IF TG_OP <> 'DELETE' THEN INSERT INTO memory_shelves (audience, kind, last, twin) SELECT t.audience, t.kind, 0, t.twin FROM (SELECT * FROM (
        SELECT 'example' AS kind, a.id AS key, a.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience, a.thread_id AS thread,
            a.said_at, q.text, a.text AS answer, q.id AS about, a.lang, a.twin
        FROM records a JOIN records q ON q.id = a.reply_to AND q.twin = a.twin
        WHERE a.by_owner AND a.source = 'teach' AND a.deleted_at IS NULL AND q.deleted_at IS NULL
            AND a.text <> '' AND q.text <> '') s WHERE s.key IN (SELECT x.id FROM records x WHERE x.source = 'teach' AND NEW.id IN (x.id, x.reply_to) AND x.twin = NEW.twin) AND s.twin = NEW.twin LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind AND h.twin = t.twin) ON CONFLICT DO NOTHING; INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang, twin) SELECT h.number * 4294967296 + nextval('memory_numbers'), t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang, t.twin FROM (SELECT * FROM (
        SELECT 'example' AS kind, a.id AS key, a.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, 'public' AS audience, a.thread_id AS thread,
            a.said_at, q.text, a.text AS answer, q.id AS about, a.lang, a.twin
        FROM records a JOIN records q ON q.id = a.reply_to AND q.twin = a.twin
        WHERE a.by_owner AND a.source = 'teach' AND a.deleted_at IS NULL AND q.deleted_at IS NULL
            AND a.text <> '' AND q.text <> '') s WHERE s.key IN (SELECT x.id FROM records x WHERE x.source = 'teach' AND NEW.id IN (x.id, x.reply_to) AND x.twin = NEW.twin) AND s.twin = NEW.twin LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind AND h.twin = t.twin; END IF; RETURN NULL; END $$;
CREATE FUNCTION public.memory_of_messages() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF TG_OP <> 'INSERT' THEN DELETE FROM memories WHERE (key = OLD.key OR about = OLD.key OR key IN (SELECT s.id FROM feedback s WHERE s.reply_key = OLD.key AND s.twin = OLD.twin)) AND twin = OLD.twin; END IF; IF TG_OP <> 'DELETE' THEN INSERT INTO memory_shelves (audience, kind, last, twin) SELECT t.audience, t.kind, 0, t.twin FROM (SELECT * FROM (
        SELECT 'said' AS kind, m.key AS key, m.platform AS source,
            CASE WHEN m.by_owner THEN 'owner' ELSE m.platform || ':' || m.author_id END AS speaker,
            CASE WHEN m.by_owner THEN '' ELSE m.author_name END AS speaker_name, m.by_owner,
            CASE WHEN m.private AND m.by_owner AND NOT m.as_owner THEN 'owner'
                ELSE m.platform || ':' || m.chat_id END AS audience,
            m.platform || ':' || m.chat_id AS thread, m.sent_at AS said_at, m.text, NULL AS answer,
            NULL AS about, NULL AS lang, m.twin
        FROM messages m
        WHERE NOT m.by_twin AND NOT m.by_bot AND m.deleted_at IS NULL AND m.text <> '') s WHERE s.key = NEW.key AND s.twin = NEW.twin LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind AND h.twin = t.twin) ON CONFLICT DO NOTHING; INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang, twin) SELECT h.number * 4294967296 + nextval('memory_numbers'), t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang, t.twin FROM (SELECT * FROM (
        SELECT 'said' AS kind, m.key AS key, m.platform AS source,
            CASE WHEN m.by_owner THEN 'owner' ELSE m.platform || ':' || m.author_id END AS speaker,
            CASE WHEN m.by_owner THEN '' ELSE m.author_name END AS speaker_name, m.by_owner,
            CASE WHEN m.private AND m.by_owner AND NOT m.as_owner THEN 'owner'
                ELSE m.platform || ':' || m.chat_id END AS audience,
            m.platform || ':' || m.chat_id AS thread, m.sent_at AS said_at, m.text, NULL AS answer,
            NULL AS about, NULL AS lang, m.twin
        FROM messages m
        WHERE NOT m.by_twin AND NOT m.by_bot AND m.deleted_at IS NULL AND m.text <> '') s WHERE s.key = NEW.key AND s.twin = NEW.twin LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind AND h.twin = t.twin; END IF; RETURN NULL; END $$;
CREATE FUNCTION public.memory_of_records() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF TG_OP <> 'INSERT' THEN DELETE FROM memories WHERE key = OLD.id AND twin = OLD.twin; END IF; IF TG_OP <> 'DELETE' THEN INSERT INTO memory_shelves (audience, kind, last, twin) SELECT t.audience, t.kind, 0, t.twin FROM (SELECT * FROM (
        SELECT 'said' AS kind, r.id AS key, r.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, r.audience, r.thread_id AS thread, r.said_at,
            r.text, NULL AS answer, NULL AS about, r.lang, r.twin
        FROM records r
        WHERE r.by_owner AND r.deleted_at IS NULL AND r.text <> '' AND r.source <> 'teach'
            AND r.kind NOT IN ('view', 'commit')) s WHERE s.key = NEW.id AND s.twin = NEW.twin LIMIT 1) t WHERE NOT EXISTS (SELECT 1 FROM memory_shelves h WHERE h.audience = t.audience AND h.kind = t.kind AND h.twin = t.twin) ON CONFLICT DO NOTHING; INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience, thread, said_at, text, answer, about, lang, twin) SELECT h.number * 4294967296 + nextval('memory_numbers'), t.kind, t.key, t.source, t.speaker, t.speaker_name, t.by_owner, t.audience, t.thread, t.said_at, t.text, t.answer, t.about, t.lang, t.twin FROM (SELECT * FROM (
        SELECT 'said' AS kind, r.id AS key, r.source, 'owner' AS speaker, '' AS speaker_name, TRUE AS by_owner, r.audience, r.thread_id AS thread, r.said_at,
            r.text, NULL AS answer, NULL AS about, r.lang, r.twin
        FROM records r
        WHERE r.by_owner AND r.deleted_at IS NULL AND r.text <> '' AND r.source <> 'teach'
            AND r.kind NOT IN ('view', 'commit')) s WHERE s.key = NEW.id AND s.twin = NEW.twin LIMIT 1) t JOIN memory_shelves h ON h.audience = t.audience AND h.kind = t.kind AND h.twin = t.twin; END IF; RETURN NULL; END $$;
CREATE TABLE public.accounts (
    id text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    password_hash text,
    discord_id text,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.accounts FORCE ROW LEVEL SECURITY;
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
    reasons text NOT NULL,
    canary_share double precision,
    canary_since timestamp with time zone,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.adapters FORCE ROW LEVEL SECURITY;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.answered (
    key text NOT NULL,
    request_hash text NOT NULL,
    status integer NOT NULL,
    body text NOT NULL,
    at timestamp with time zone NOT NULL,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.answered FORCE ROW LEVEL SECURITY;
CREATE TABLE public.audit (
    number bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    who text NOT NULL,
    action text NOT NULL,
    about text NOT NULL,
    outcome text NOT NULL,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.audit FORCE ROW LEVEL SECURITY;
CREATE SEQUENCE public.audit_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.audit_number_seq OWNED BY public.audit.number;
CREATE TABLE public.chats (
    platform text NOT NULL,
    chat_id text NOT NULL,
    server_id text,
    private boolean NOT NULL,
    mode text,
    draft boolean,
    quiet_until timestamp with time zone,
    quiet_why text,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.chats FORCE ROW LEVEL SECURITY;
CREATE TABLE public.cursors (
    source text NOT NULL,
    container text NOT NULL,
    value json NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.cursors FORCE ROW LEVEL SECURITY;
CREATE TABLE public.deliveries (
    reply_key text NOT NULL,
    part integer NOT NULL,
    platform text NOT NULL,
    chat_id text NOT NULL,
    question_key text NOT NULL,
    text text NOT NULL,
    state character varying(20) NOT NULL,
    message_id text,
    updated_at timestamp with time zone NOT NULL,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.deliveries FORCE ROW LEVEL SECURITY;
CREATE TABLE public.facts (
    id text NOT NULL,
    text text NOT NULL,
    told_at timestamp with time zone NOT NULL,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.facts FORCE ROW LEVEL SECURITY;
CREATE TABLE public.feedback (
    number bigint NOT NULL,
    id text NOT NULL,
    reply_key text NOT NULL,
    given_by text NOT NULL,
    role character varying(20) NOT NULL,
    kind character varying(20) NOT NULL,
    given_at timestamp with time zone NOT NULL,
    text text,
    withdrawn_at timestamp with time zone,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.feedback FORCE ROW LEVEL SECURITY;
CREATE SEQUENCE public.feedback_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.feedback_number_seq OWNED BY public.feedback.number;
CREATE TABLE public.leases (
    name text NOT NULL,
    holder text NOT NULL,
    until timestamp with time zone NOT NULL,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.leases FORCE ROW LEVEL SECURITY;
CREATE TABLE public.memories (
    number bigint NOT NULL,
    kind character varying(20) NOT NULL,
    key text NOT NULL,
    source text NOT NULL,
    speaker text NOT NULL,
    speaker_name text NOT NULL,
    by_owner boolean NOT NULL,
    audience text NOT NULL,
    thread text NOT NULL,
    said_at timestamp with time zone NOT NULL,
    text text NOT NULL,
    answer text,
    about text,
    lang text,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.memories FORCE ROW LEVEL SECURITY;
CREATE SEQUENCE public.memory_numbers
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.memory_shelves (
    number integer NOT NULL,
    audience text NOT NULL,
    kind character varying(20) NOT NULL,
    last bigint NOT NULL,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.memory_shelves FORCE ROW LEVEL SECURITY;
CREATE SEQUENCE public.memory_shelves_number_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.memory_shelves_number_seq OWNED BY public.memory_shelves.number;
CREATE TABLE public.memory_vectors (
    number bigint NOT NULL,
    model text NOT NULL,
    vector bytea NOT NULL,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.memory_vectors FORCE ROW LEVEL SECURITY;
CREATE TABLE public.memory_words (
    word text NOT NULL COLLATE pg_catalog."C",
    number bigint NOT NULL,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.memory_words FORCE ROW LEVEL SECURITY;
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
    deleted_at timestamp with time zone,
    waiting boolean DEFAULT false NOT NULL,
    outcome text,
    unsent boolean DEFAULT false NOT NULL,
    server_id text,
    private boolean DEFAULT false NOT NULL,
    as_owner boolean DEFAULT false NOT NULL,
    by_bot boolean DEFAULT false NOT NULL,
    author_roles text DEFAULT '[]'::text NOT NULL,
    to_twin boolean DEFAULT false NOT NULL,
    to_others boolean DEFAULT false NOT NULL,
    media json DEFAULT '[]'::json NOT NULL,
    quote text,
    album text,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.messages FORCE ROW LEVEL SECURITY;
CREATE SEQUENCE public.messages_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.messages_number_seq OWNED BY public.messages.number;
CREATE TABLE public.people (
    platform text NOT NULL,
    person_id text NOT NULL,
    consent character varying(20) NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.people FORCE ROW LEVEL SECURITY;
CREATE TABLE public.promotions (
    is_rollback boolean NOT NULL,
    id bigint NOT NULL,
    version text,
    previous text,
    at timestamp with time zone NOT NULL,
    why text NOT NULL,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.promotions FORCE ROW LEVEL SECURITY;
CREATE SEQUENCE public.promotions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.promotions_id_seq OWNED BY public.promotions.id;
CREATE TABLE public.questions (
    key text NOT NULL,
    action text NOT NULL,
    person_id text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.questions FORCE ROW LEVEL SECURITY;
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
    deleted_at timestamp with time zone,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.records FORCE ROW LEVEL SECURITY;
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
    error text,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    requested_by text DEFAULT ''::text NOT NULL,
    parameters json DEFAULT '{}'::json NOT NULL,
    key text,
    artefacts json DEFAULT '{}'::json NOT NULL,
    target text DEFAULT 'local'::text NOT NULL,
    tell text,
    cancelled_by text,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.runs FORCE ROW LEVEL SECURITY;
CREATE TABLE public.sessions (
    id text NOT NULL,
    account_id text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    agent text NOT NULL,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.sessions FORCE ROW LEVEL SECURITY;
CREATE TABLE public.tokens (
    id text NOT NULL,
    account_id text NOT NULL,
    name text NOT NULL,
    hash text NOT NULL,
    scopes text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.tokens FORCE ROW LEVEL SECURITY;
CREATE TABLE public.usage (
    day text NOT NULL,
    platform text NOT NULL,
    chat_id text NOT NULL,
    person_id text NOT NULL,
    replies bigint NOT NULL,
    prompt_tokens bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    milliseconds bigint NOT NULL,
    told_at timestamp with time zone,
    twin text DEFAULT current_setting('twin.id'::text) NOT NULL
);
ALTER TABLE ONLY public.usage FORCE ROW LEVEL SECURITY;
ALTER TABLE ONLY public.audit ALTER COLUMN number SET DEFAULT nextval('public.audit_number_seq'::regclass);
ALTER TABLE ONLY public.feedback ALTER COLUMN number SET DEFAULT nextval('public.feedback_number_seq'::regclass);
ALTER TABLE ONLY public.memory_shelves ALTER COLUMN number SET DEFAULT nextval('public.memory_shelves_number_seq'::regclass);
ALTER TABLE ONLY public.messages ALTER COLUMN number SET DEFAULT nextval('public.messages_number_seq'::regclass);
ALTER TABLE ONLY public.promotions ALTER COLUMN id SET DEFAULT nextval('public.promotions_id_seq'::regclass);
INSERT INTO public.accounts VALUES ('id 0', 'name 0', 'role 0', '2026-03-01 12:00:00+00', NULL, NULL, 'twin');
INSERT INTO public.accounts VALUES ('id 1', 'name 1', 'role 1', '2026-03-01 13:00:00+00', NULL, NULL, 'twin');
INSERT INTO public.adapters VALUES ('version 0', 'base_model 0', 'method 0', 'path 0', 'sha256 0', '2026-03-01 12:00:00+00', NULL, '{}', NULL, '[]', '{}', 'live', '[]', 0.5, NULL, 'twin');
INSERT INTO public.adapters VALUES ('version 1', 'base_model 1', 'method 1', 'path 1', 'sha256 1', '2026-03-01 13:00:00+00', NULL, '{}', NULL, '[]', '{}', 'retired', '[]', 0.5, NULL, 'twin');
INSERT INTO public.alembic_version VALUES ('0008');
INSERT INTO public.answered VALUES ('key 0', 'request_hash 0', 1, 'body 0', '2026-03-01 12:00:00+00', 'twin');
INSERT INTO public.answered VALUES ('key 1', 'request_hash 1', 2, 'body 1', '2026-03-01 13:00:00+00', 'twin');
INSERT INTO public.audit VALUES (1, '2026-03-01 12:00:00+00', 'who 0', 'action 0', 'about 0', 'outcome 0', 'twin');
INSERT INTO public.audit VALUES (2, '2026-03-01 13:00:00+00', 'who 1', 'action 1', 'about 1', 'outcome 1', 'twin');
INSERT INTO public.chats VALUES ('platform 0', 'chat_id 0', NULL, false, NULL, false, NULL, NULL, 'twin');
INSERT INTO public.chats VALUES ('platform 1', 'chat_id 1', NULL, false, NULL, false, NULL, NULL, 'twin');
INSERT INTO public.cursors VALUES ('source 0', 'container 0', '{}', '2026-03-01 12:00:00+00', 'twin');
INSERT INTO public.cursors VALUES ('source 1', 'container 1', '{}', '2026-03-01 13:00:00+00', 'twin');
INSERT INTO public.deliveries VALUES ('reply_key 0', 1, 'platform 0', 'chat_id 0', 'question_key 0', 'text 0', 'sent', NULL, '2026-03-01 12:00:00+00', 'twin');
INSERT INTO public.deliveries VALUES ('reply_key 1', 2, 'platform 1', 'chat_id 1', 'question_key 1', 'text 1', 'sent', NULL, '2026-03-01 13:00:00+00', 'twin');
INSERT INTO public.facts VALUES ('id 0', 'text 0', '2026-03-01 12:00:00+00', 'twin');
INSERT INTO public.facts VALUES ('id 1', 'text 1', '2026-03-01 13:00:00+00', 'twin');
INSERT INTO public.feedback VALUES (1, 'id 0', 'reply_key 0', 'given_by 0', 'owner', 'up', '2026-03-01 12:00:00+00', NULL, NULL, 'twin');
INSERT INTO public.feedback VALUES (2, 'id 1', 'reply_key 1', 'given_by 1', 'owner', 'up', '2026-03-01 13:00:00+00', NULL, NULL, 'twin');
INSERT INTO public.leases VALUES ('name 0', 'holder 0', '2026-03-01 12:00:00+00', 'twin');
INSERT INTO public.leases VALUES ('name 1', 'holder 1', '2026-03-01 13:00:00+00', 'twin');
INSERT INTO public.memories VALUES (4294967298, 'fact', 'id 0', 'remember', 'owner', '', true, 'public', 'remember', '2026-03-01 12:00:00+00', 'text 0', NULL, NULL, NULL, 'twin');
INSERT INTO public.memories VALUES (4294967299, 'fact', 'id 1', 'remember', 'owner', '', true, 'public', 'remember', '2026-03-01 13:00:00+00', 'text 1', NULL, NULL, NULL, 'twin');
INSERT INTO public.memories VALUES (8589934596, 'said', 'key 0', 'platform 0', 'platform 0:author_id 0', 'author_name 0', false, 'platform 0:chat_id 0', 'platform 0:chat_id 0', '2026-03-01 12:00:00+00', 'text 0', NULL, NULL, NULL, 'twin');
INSERT INTO public.memories VALUES (12884901893, 'said', 'key 1', 'platform 1', 'platform 1:author_id 1', 'author_name 1', false, 'platform 1:chat_id 1', 'platform 1:chat_id 1', '2026-03-01 13:00:00+00', 'text 1', NULL, NULL, NULL, 'twin');
INSERT INTO public.memory_shelves VALUES (1, 'public', 'fact', 0, 'twin');
INSERT INTO public.memory_shelves VALUES (2, 'platform 0:chat_id 0', 'said', 0, 'twin');
INSERT INTO public.memory_shelves VALUES (3, 'platform 1:chat_id 1', 'said', 0, 'twin');
INSERT INTO public.memory_words VALUES ('0', 4294967298, 'twin');
INSERT INTO public.memory_words VALUES ('text', 4294967298, 'twin');
INSERT INTO public.memory_words VALUES ('1', 4294967299, 'twin');
INSERT INTO public.memory_words VALUES ('text', 4294967299, 'twin');
INSERT INTO public.memory_words VALUES ('0', 8589934596, 'twin');
INSERT INTO public.memory_words VALUES ('text', 8589934596, 'twin');
INSERT INTO public.memory_words VALUES ('1', 12884901893, 'twin');
INSERT INTO public.memory_words VALUES ('text', 12884901893, 'twin');
INSERT INTO public.messages VALUES (1, 'key 0', 'platform 0', 'chat_id 0', 'author_id 0', 'author_name 0', 'text 0', '2026-03-01 12:00:00+00', false, false, NULL, 'null', NULL, NULL, false, NULL, false, NULL, false, false, false, '[]', false, false, '[]', NULL, NULL, 'twin');
INSERT INTO public.messages VALUES (2, 'key 1', 'platform 1', 'chat_id 1', 'author_id 1', 'author_name 1', 'text 1', '2026-03-01 13:00:00+00', false, false, NULL, 'null', NULL, NULL, false, NULL, false, NULL, false, false, false, '[]', false, false, '[]', NULL, NULL, 'twin');
INSERT INTO public.people VALUES ('platform 0', 'person_id 0', 'agreed', '2026-03-01 12:00:00+00', 'twin');
INSERT INTO public.people VALUES ('platform 1', 'person_id 1', 'agreed', '2026-03-01 13:00:00+00', 'twin');
INSERT INTO public.promotions VALUES (false, 1, 'version 0', 'version 0', '2026-03-01 12:00:00+00', 'why 0', 'twin');
INSERT INTO public.promotions VALUES (false, 2, 'version 0', 'version 0', '2026-03-01 13:00:00+00', 'why 1', 'twin');
INSERT INTO public.questions VALUES ('key 0', 'action 0', 'person_id 0', '2026-03-01 12:00:00+00', 'twin');
INSERT INTO public.questions VALUES ('key 1', 'action 1', 'person_id 1', '2026-03-01 13:00:00+00', 'twin');
INSERT INTO public.records VALUES ('id 0', 'source 0', 'message', 'author_id 0', false, 'thread_id 0', '2026-03-01 12:00:00+00', 'text 0', NULL, '[]', '[]', NULL, 'owner', 'origin 0', 'second', 'explicit', NULL, NULL, 'twin');
INSERT INTO public.records VALUES ('id 1', 'source 1', 'message', 'author_id 1', false, 'thread_id 1', '2026-03-01 13:00:00+00', 'text 1', NULL, '[]', '[]', NULL, 'owner', 'origin 1', 'second', 'explicit', NULL, NULL, 'twin');
INSERT INTO public.runs VALUES (false, 'id 0', 'sft', 'passed', '2026-03-01 12:00:00+00', NULL, NULL, NULL, 0.5, '{}', NULL, NULL, NULL, 1, NULL, 'requested_by 0', '{}', NULL, '{}', 'target 0', NULL, NULL, 'twin');
INSERT INTO public.runs VALUES (false, 'id 1', 'sft', 'passed', '2026-03-01 13:00:00+00', NULL, NULL, NULL, 0.5, '{}', NULL, NULL, NULL, 2, NULL, 'requested_by 1', '{}', NULL, '{}', 'target 1', NULL, NULL, 'twin');
INSERT INTO public.sessions VALUES ('id 0', 'account_id 0', '2026-03-01 12:00:00+00', '2026-03-01 12:00:00+00', '2026-03-01 12:00:00+00', 'agent 0', 'twin');
INSERT INTO public.sessions VALUES ('id 1', 'account_id 1', '2026-03-01 13:00:00+00', '2026-03-01 13:00:00+00', '2026-03-01 13:00:00+00', 'agent 1', 'twin');
INSERT INTO public.tokens VALUES ('id 0', 'account_id 0', 'name 0', 'hash 0', '[]', '2026-03-01 12:00:00+00', NULL, NULL, NULL, 'twin');
INSERT INTO public.tokens VALUES ('id 1', 'account_id 1', 'name 1', 'hash 1', '[]', '2026-03-01 13:00:00+00', NULL, NULL, NULL, 'twin');
INSERT INTO public.usage VALUES ('day 0', 'platform 0', 'chat_id 0', 'person_id 0', 1, 1, 1, 1, NULL, 'twin');
INSERT INTO public.usage VALUES ('day 1', 'platform 1', 'chat_id 1', 'person_id 1', 2, 2, 2, 2, NULL, 'twin');
SELECT pg_catalog.setval('public.audit_number_seq', 1, false);
SELECT pg_catalog.setval('public.feedback_number_seq', 1, false);
SELECT pg_catalog.setval('public.memory_numbers', 5, true);
SELECT pg_catalog.setval('public.memory_shelves_number_seq', 3, true);
SELECT pg_catalog.setval('public.messages_number_seq', 1, false);
SELECT pg_catalog.setval('public.promotions_id_seq', 1, false);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT pk_accounts PRIMARY KEY (twin, id);
ALTER TABLE ONLY public.adapters
    ADD CONSTRAINT pk_adapters PRIMARY KEY (twin, version);
ALTER TABLE ONLY public.answered
    ADD CONSTRAINT pk_answered PRIMARY KEY (twin, key);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (twin, number);
ALTER TABLE ONLY public.chats
    ADD CONSTRAINT pk_chats PRIMARY KEY (twin, platform, chat_id);
ALTER TABLE ONLY public.cursors
    ADD CONSTRAINT pk_cursors PRIMARY KEY (twin, source, container);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT pk_deliveries PRIMARY KEY (twin, reply_key, part);
ALTER TABLE ONLY public.facts
    ADD CONSTRAINT pk_facts PRIMARY KEY (twin, id);
ALTER TABLE ONLY public.feedback
    ADD CONSTRAINT pk_feedback PRIMARY KEY (twin, number);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT pk_leases PRIMARY KEY (twin, name);
ALTER TABLE ONLY public.memories
    ADD CONSTRAINT pk_memories PRIMARY KEY (twin, number);
ALTER TABLE ONLY public.memory_shelves
    ADD CONSTRAINT pk_memory_shelves PRIMARY KEY (twin, number);
ALTER TABLE ONLY public.memory_vectors
    ADD CONSTRAINT pk_memory_vectors PRIMARY KEY (twin, number);
ALTER TABLE ONLY public.memory_words
    ADD CONSTRAINT pk_memory_words PRIMARY KEY (twin, word, number);
ALTER TABLE ONLY public.messages
    ADD CONSTRAINT pk_messages PRIMARY KEY (twin, number);
ALTER TABLE ONLY public.people
    ADD CONSTRAINT pk_people PRIMARY KEY (twin, platform, person_id);
ALTER TABLE ONLY public.promotions
    ADD CONSTRAINT pk_promotions PRIMARY KEY (twin, id);
ALTER TABLE ONLY public.questions
    ADD CONSTRAINT pk_questions PRIMARY KEY (twin, key);
ALTER TABLE ONLY public.records
    ADD CONSTRAINT pk_records PRIMARY KEY (twin, id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT pk_runs PRIMARY KEY (twin, id);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT pk_sessions PRIMARY KEY (twin, id);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT pk_tokens PRIMARY KEY (twin, id);
ALTER TABLE ONLY public.usage
    ADD CONSTRAINT pk_usage PRIMARY KEY (twin, day, platform, chat_id, person_id);
ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT uq_accounts_discord_id UNIQUE (twin, discord_id);
ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT uq_accounts_name UNIQUE (twin, name);
ALTER TABLE ONLY public.feedback
    ADD CONSTRAINT uq_feedback_id UNIQUE (twin, id);
ALTER TABLE ONLY public.memories
    ADD CONSTRAINT uq_memories_key UNIQUE (twin, key);
ALTER TABLE ONLY public.messages
    ADD CONSTRAINT uq_messages_key UNIQUE (twin, key);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT uq_tokens_hash UNIQUE (twin, hash);
CREATE INDEX ix_answered_at ON public.answered USING btree (twin, at);
CREATE INDEX ix_deliveries_platform_message_id ON public.deliveries USING btree (twin, platform, message_id);
CREATE INDEX ix_feedback_reply_key ON public.feedback USING btree (twin, reply_key);
CREATE INDEX ix_messages_platform_author_id ON public.messages USING btree (twin, platform, author_id);
CREATE INDEX ix_messages_platform_chat_id_sent_at_number ON public.messages USING btree (twin, platform, chat_id, sent_at, number);
CREATE INDEX ix_messages_reply_to ON public.messages USING btree (twin, reply_to);
CREATE INDEX ix_messages_sent_at ON public.messages USING btree (twin, sent_at);
CREATE INDEX ix_records_said_at_id ON public.records USING btree (twin, said_at, id);
CREATE INDEX ix_records_source ON public.records USING btree (twin, source);
CREATE INDEX ix_records_thread_id_said_at ON public.records USING btree (twin, thread_id, said_at);
CREATE INDEX ix_runs_created_at ON public.runs USING btree (twin, created_at);
CREATE INDEX ix_sessions_account_id ON public.sessions USING btree (twin, account_id);
CREATE INDEX ix_tokens_account_id ON public.tokens USING btree (twin, account_id);
CREATE INDEX ix_usage_platform_person_id_day ON public.usage USING btree (twin, platform, person_id, day);
CREATE UNIQUE INDEX one_live_adapter_and_one_canary ON public.adapters USING btree (twin, state) WHERE ((state)::text = ANY (ARRAY[('live'::character varying)::text, ('canary'::character varying)::text]));
CREATE UNIQUE INDEX one_queued_run_of_a_key ON public.runs USING btree (twin, key) WHERE ((state)::text = 'queued'::text);
CREATE UNIQUE INDEX one_shelf_for_each ON public.memory_shelves USING btree (twin, audience, kind);
CREATE UNIQUE INDEX only_one_exclusive_run ON public.runs USING btree (twin, exclusive) WHERE (exclusive AND ((state)::text = 'running'::text));
CREATE INDEX runs_that_are_not_over ON public.runs USING btree (twin, state) WHERE ((state)::text = ANY (ARRAY[('queued'::character varying)::text, ('running'::character varying)::text]));
CREATE INDEX what_is_not_delivered ON public.deliveries USING btree (twin, platform, chat_id) WHERE ((state)::text = ANY (ARRAY[('planned'::character varying)::text, ('sending'::character varying)::text, ('shown'::character varying)::text]));
CREATE INDEX what_waits_for_an_answer ON public.messages USING btree (twin, platform, chat_id, number) WHERE waiting;
CREATE INDEX what_was_asked ON public.memories USING btree (twin, about) WHERE (about IS NOT NULL);
CREATE TRIGGER memory_added AFTER INSERT ON public.memories FOR EACH ROW EXECUTE FUNCTION public.memory_added();
CREATE TRIGGER memory_gone AFTER DELETE ON public.memories FOR EACH ROW EXECUTE FUNCTION public.memory_gone();
CREATE TRIGGER memory_of_corrections_added AFTER INSERT ON public.feedback FOR EACH ROW WHEN (((new.kind)::text = 'correction'::text)) EXECUTE FUNCTION public.memory_of_corrections();
CREATE TRIGGER memory_of_corrections_changed AFTER UPDATE OF text, withdrawn_at ON public.feedback FOR EACH ROW WHEN ((true AND ((old.text IS DISTINCT FROM new.text) OR (old.withdrawn_at IS DISTINCT FROM new.withdrawn_at)))) EXECUTE FUNCTION public.memory_of_corrections();
CREATE TRIGGER memory_of_corrections_gone AFTER DELETE ON public.feedback FOR EACH ROW EXECUTE FUNCTION public.memory_of_corrections();
CREATE TRIGGER memory_of_facts_added AFTER INSERT ON public.facts FOR EACH ROW WHEN (true) EXECUTE FUNCTION public.memory_of_facts();
CREATE TRIGGER memory_of_facts_changed AFTER UPDATE OF text ON public.facts FOR EACH ROW WHEN ((true AND (old.text IS DISTINCT FROM new.text))) EXECUTE FUNCTION public.memory_of_facts();
CREATE TRIGGER memory_of_facts_gone AFTER DELETE ON public.facts FOR EACH ROW EXECUTE FUNCTION public.memory_of_facts();
CREATE TRIGGER memory_of_lessons_added AFTER INSERT ON public.records FOR EACH ROW WHEN ((new.source = 'teach'::text)) EXECUTE FUNCTION public.memory_of_lessons();
CREATE TRIGGER memory_of_lessons_changed AFTER UPDATE OF text, audience, said_at, by_owner, deleted_at ON public.records FOR EACH ROW WHEN (((old.source = 'teach'::text) AND ((old.text IS DISTINCT FROM new.text) OR (old.audience IS DISTINCT FROM new.audience) OR (old.said_at IS DISTINCT FROM new.said_at) OR (old.by_owner IS DISTINCT FROM new.by_owner) OR (old.deleted_at IS DISTINCT FROM new.deleted_at)))) EXECUTE FUNCTION public.memory_of_lessons();
CREATE TRIGGER memory_of_lessons_gone AFTER DELETE ON public.records FOR EACH ROW EXECUTE FUNCTION public.memory_of_lessons();
CREATE TRIGGER memory_of_messages_added AFTER INSERT ON public.messages FOR EACH ROW WHEN ((NOT new.by_twin)) EXECUTE FUNCTION public.memory_of_messages();
CREATE TRIGGER memory_of_messages_changed AFTER UPDATE OF text, deleted_at ON public.messages FOR EACH ROW WHEN ((true AND ((old.text IS DISTINCT FROM new.text) OR (old.deleted_at IS DISTINCT FROM new.deleted_at)))) EXECUTE FUNCTION public.memory_of_messages();
CREATE TRIGGER memory_of_messages_gone AFTER DELETE ON public.messages FOR EACH ROW EXECUTE FUNCTION public.memory_of_messages();
CREATE TRIGGER memory_of_records_added AFTER INSERT ON public.records FOR EACH ROW WHEN ((new.by_owner AND (new.source <> 'teach'::text))) EXECUTE FUNCTION public.memory_of_records();
CREATE TRIGGER memory_of_records_changed AFTER UPDATE OF text, audience, said_at, by_owner, deleted_at ON public.records FOR EACH ROW WHEN (((old.source <> 'teach'::text) AND ((old.text IS DISTINCT FROM new.text) OR (old.audience IS DISTINCT FROM new.audience) OR (old.said_at IS DISTINCT FROM new.said_at) OR (old.by_owner IS DISTINCT FROM new.by_owner) OR (old.deleted_at IS DISTINCT FROM new.deleted_at)))) EXECUTE FUNCTION public.memory_of_records();
CREATE TRIGGER memory_of_records_gone AFTER DELETE ON public.records FOR EACH ROW EXECUTE FUNCTION public.memory_of_records();
ALTER TABLE ONLY public.promotions
    ADD CONSTRAINT fk_promotions_previous FOREIGN KEY (twin, previous) REFERENCES public.adapters(twin, version);
ALTER TABLE ONLY public.promotions
    ADD CONSTRAINT fk_promotions_version FOREIGN KEY (twin, version) REFERENCES public.adapters(twin, version);
ALTER TABLE public.accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.adapters ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.answered ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.chats ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.cursors ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.facts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.feedback ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.leases ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.memories ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.memory_shelves ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.memory_vectors ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.memory_words ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.people ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.promotions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.questions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.records ENABLE ROW LEVEL SECURITY;
CREATE POLICY rows_of_one_twin ON public.accounts USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.adapters USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.answered USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.audit USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.chats USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.cursors USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.deliveries USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.facts USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.feedback USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.leases USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.memories USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.memory_shelves USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.memory_vectors USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.memory_words USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.messages USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.people USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.promotions USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.questions USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.records USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.runs USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.sessions USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.tokens USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
CREATE POLICY rows_of_one_twin ON public.usage USING ((twin = current_setting('twin.id'::text, true))) WITH CHECK ((twin = current_setting('twin.id'::text, true)));
ALTER TABLE public.runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.usage ENABLE ROW LEVEL SECURITY;
