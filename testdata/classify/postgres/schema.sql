-- The schema that testdata/classify/postgres uses. PostgreSQL 15 or newer.
CREATE SCHEMA crm;
CREATE TYPE order_status AS ENUM ('new', 'paid', 'shipped', 'cancelled');

CREATE TABLE users (
    id bigserial PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text NOT NULL DEFAULT '',
    password text NOT NULL DEFAULT '',
    role text NOT NULL DEFAULT 'member',
    active boolean NOT NULL DEFAULT true,
    manager_id bigint REFERENCES users (id),
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE TABLE accounts (
    id bigserial PRIMARY KEY,
    user_id bigint REFERENCES users (id),
    balance numeric(12, 2) NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 0
);
CREATE TABLE categories (
    id bigserial PRIMARY KEY,
    parent_id bigint REFERENCES categories (id),
    name text NOT NULL
);
CREATE TABLE products (
    id bigserial PRIMARY KEY,
    category_id bigint REFERENCES categories (id),
    sku text NOT NULL UNIQUE,
    name text NOT NULL,
    price numeric(12, 2) NOT NULL DEFAULT 0,
    stock integer NOT NULL DEFAULT 0,
    tags text[] NOT NULL DEFAULT '{}',
    attrs jsonb NOT NULL DEFAULT '{}',
    search tsvector
);
CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id),
    status order_status NOT NULL DEFAULT 'new',
    total numeric(12, 2) NOT NULL DEFAULT 0,
    note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    paid_at timestamptz
);
CREATE TABLE order_items (
    id bigserial PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders (id),
    product_id bigint NOT NULL REFERENCES products (id),
    quantity integer NOT NULL DEFAULT 1,
    price numeric(12, 2) NOT NULL DEFAULT 0
);
CREATE TABLE posts (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id),
    title text NOT NULL,
    body text NOT NULL DEFAULT '',
    views bigint NOT NULL DEFAULT 0,
    published_at timestamptz
);
CREATE TABLE comments (
    id bigserial PRIMARY KEY,
    post_id bigint NOT NULL REFERENCES posts (id),
    user_id bigint NOT NULL REFERENCES users (id),
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE tags (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE post_tags (post_id bigint NOT NULL, tag_id bigint NOT NULL, PRIMARY KEY (post_id, tag_id));
CREATE TABLE events (
    id bigserial PRIMARY KEY,
    user_id bigint,
    kind text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE jobs (
    id bigserial PRIMARY KEY,
    queue text NOT NULL DEFAULT 'default',
    state text NOT NULL DEFAULT 'available',
    payload jsonb NOT NULL DEFAULT '{}',
    run_at timestamptz NOT NULL DEFAULT now(),
    locked_by text
);
-- Names that are key words elsewhere in the language.
CREATE TABLE crm.update (id bigint PRIMARY KEY, share integer, "for" text, lock text, "select" text);
CREATE UNLOGGED TABLE cache_entries (key text PRIMARY KEY, value text);
CREATE SEQUENCE order_number_seq;
CREATE VIEW active_users AS SELECT * FROM users WHERE active;
CREATE MATERIALIZED VIEW daily_sales AS
    SELECT created_at::date AS day, sum(total) AS total FROM orders GROUP BY 1;

CREATE FUNCTION audit(what text) RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ INSERT INTO events (kind) VALUES (what) RETURNING id $$;
CREATE FUNCTION crm.now() RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ INSERT INTO events (kind) VALUES ('now') RETURNING id $$;
CREATE FUNCTION crm.lower(x text) RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ INSERT INTO events (kind) VALUES (x) RETURNING id $$;
CREATE FUNCTION set_tenant(t text) RETURNS text LANGUAGE sql VOLATILE AS
    $$ SELECT set_config('app.tenant', t, false) $$;
CREATE PROCEDURE archive_orders() LANGUAGE sql AS
    $$ UPDATE orders SET note = 'archived' WHERE status = 'shipped' $$;

INSERT INTO users (email, name, manager_id, settings) VALUES
    ('ada@example.com', 'Ada', NULL, '{"theme": "dark"}'),
    ('bob@example.com', 'Bob', 1, '{}'),
    ('eve@example.com', 'Eve', 1, '{}');
INSERT INTO accounts (user_id, balance) VALUES (1, 100), (2, 50), (3, 0);
INSERT INTO categories (parent_id, name) VALUES (NULL, 'all'), (1, 'books'), (2, 'sql');
INSERT INTO products (category_id, sku, name, price, stock, tags, attrs, search) VALUES
    (2, 'B-1', 'Reading', 10, 5, '{a,b}', '{"pages": 100}', to_tsvector('simple', 'reading')),
    (3, 'B-2', 'Writing', 20, 0, '{b}', '{}', to_tsvector('simple', 'writing'));
INSERT INTO orders (user_id, status, total, paid_at) VALUES
    (1, 'paid', 30, now()), (2, 'new', 10, NULL), (1, 'shipped', 20, now());
INSERT INTO order_items (order_id, product_id, quantity, price) VALUES (1, 1, 1, 10), (1, 2, 1, 20), (2, 1, 1, 10);
INSERT INTO posts (user_id, title, body, published_at) VALUES (1, 'First', 'text', now()), (2, 'Second', 'text', NULL);
INSERT INTO comments (post_id, user_id, body) VALUES (1, 2, 'nice'), (1, 3, 'indeed');
INSERT INTO tags (name) VALUES ('go'), ('sql');
INSERT INTO post_tags VALUES (1, 1), (1, 2);
INSERT INTO events (user_id, kind, payload) VALUES (1, 'login', '{"ip": "127.0.0.1"}'), (2, 'login', '{}');
INSERT INTO jobs (queue, state) VALUES ('default', 'available'), ('mail', 'available');
INSERT INTO crm.update VALUES (1, 2, 'x', 'y', 'z');
