-- The schema that testdata/classify/sqlite uses. SQLite 3.45 or newer.
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL DEFAULT '',
    role TEXT NOT NULL DEFAULT 'member',
    active INTEGER NOT NULL DEFAULT 1,
    settings TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    deleted_at TEXT
);
CREATE TABLE accounts (id INTEGER PRIMARY KEY, user_id INTEGER, balance NUMERIC NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 0);
CREATE TABLE categories (id INTEGER PRIMARY KEY, parent_id INTEGER, name TEXT NOT NULL);
CREATE TABLE products (id INTEGER PRIMARY KEY, category_id INTEGER, sku TEXT UNIQUE, name TEXT, price NUMERIC, stock INTEGER, attrs TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, status TEXT NOT NULL DEFAULT 'new', total NUMERIC NOT NULL DEFAULT 0, created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, paid_at TEXT);
CREATE INDEX idx_orders_user ON orders (user_id);
CREATE TABLE order_items (id INTEGER PRIMARY KEY, order_id INTEGER, product_id INTEGER, quantity INTEGER, price NUMERIC);
CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER, title TEXT, body TEXT, views INTEGER DEFAULT 0, published_at TEXT);
CREATE TABLE comments (id INTEGER PRIMARY KEY, post_id INTEGER, user_id INTEGER, body TEXT);
CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE post_tags (post_id INTEGER, tag_id INTEGER, PRIMARY KEY (post_id, tag_id)) WITHOUT ROWID;
CREATE TABLE events (id INTEGER PRIMARY KEY, user_id INTEGER, kind TEXT, payload TEXT, at TEXT DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE "update" (id INTEGER PRIMARY KEY, "select" TEXT, share TEXT, "for" TEXT);
CREATE VIEW active_users AS SELECT * FROM users WHERE active;

INSERT INTO users (email, name) VALUES ('ada@example.com', 'Ada'), ('bob@example.com', 'Bob');
INSERT INTO accounts (user_id, balance) VALUES (1, 100), (2, 50);
INSERT INTO categories (parent_id, name) VALUES (NULL, 'all'), (1, 'books');
INSERT INTO products (category_id, sku, name, price, stock, attrs) VALUES (2, 'B-1', 'Reading', 10, 5, '{"pages": 100}');
INSERT INTO orders (user_id, status, total) VALUES (1, 'paid', 30), (2, 'new', 10);
INSERT INTO order_items (order_id, product_id, quantity, price) VALUES (1, 1, 1, 10);
INSERT INTO posts (user_id, title, body) VALUES (1, 'First', 'text');
INSERT INTO comments (post_id, user_id, body) VALUES (1, 2, 'nice');
INSERT INTO tags (name) VALUES ('go'), ('sql');
INSERT INTO post_tags VALUES (1, 1);
INSERT INTO events (user_id, kind, payload) VALUES (1, 'login', '{"ip": "127.0.0.1"}');
INSERT INTO "update" VALUES (1, 'a', 'b', 'c');
