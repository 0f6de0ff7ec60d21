-- The schema that testdata/classify/mariadb and mysql_mariadb use. MariaDB 10.11 or newer.
-- Run by an administrator in an empty database: functions need log_bin_trust_function_creators or SUPER.
CREATE TABLE users (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    email varchar(190) NOT NULL UNIQUE,
    name varchar(190) NOT NULL DEFAULT '',
    password varchar(190) NOT NULL DEFAULT '',
    role varchar(30) NOT NULL DEFAULT 'member',
    active tinyint(1) NOT NULL DEFAULT 1,
    manager_id bigint NULL,
    settings json NULL,
    created_at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    updated_at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    deleted_at datetime(6) NULL,
    KEY idx_users_name (name),
    FULLTEXT KEY ft_users_name (name)
) ENGINE=InnoDB;
CREATE TABLE accounts (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    user_id bigint NULL,
    balance decimal(12, 2) NOT NULL DEFAULT 0,
    version int NOT NULL DEFAULT 0
) ENGINE=InnoDB;
CREATE TABLE categories (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    parent_id bigint NULL,
    name varchar(190) NOT NULL
) ENGINE=InnoDB;
CREATE TABLE products (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    category_id bigint NULL,
    sku varchar(190) NOT NULL UNIQUE,
    name varchar(190) NOT NULL,
    price decimal(12, 2) NOT NULL DEFAULT 0,
    stock int NOT NULL DEFAULT 0,
    attrs json NULL
) ENGINE=InnoDB;
CREATE TABLE orders (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    user_id bigint NOT NULL,
    status enum('new', 'paid', 'shipped', 'cancelled') NOT NULL DEFAULT 'new',
    total decimal(12, 2) NOT NULL DEFAULT 0,
    note text NULL,
    created_at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    paid_at datetime(6) NULL,
    KEY idx_orders_user (user_id)
) ENGINE=InnoDB;
CREATE TABLE order_items (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    order_id bigint NOT NULL,
    product_id bigint NOT NULL,
    quantity int NOT NULL DEFAULT 1,
    price decimal(12, 2) NOT NULL DEFAULT 0
) ENGINE=InnoDB;
CREATE TABLE posts (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    user_id bigint NOT NULL,
    title varchar(190) NOT NULL,
    body text NOT NULL,
    views bigint NOT NULL DEFAULT 0,
    published_at datetime(6) NULL
) ENGINE=InnoDB;
CREATE TABLE comments (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    post_id bigint NOT NULL,
    user_id bigint NOT NULL,
    body text NOT NULL,
    created_at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE=InnoDB;
CREATE TABLE tags (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(190) NOT NULL UNIQUE) ENGINE=InnoDB;
CREATE TABLE post_tags (post_id bigint NOT NULL, tag_id bigint NOT NULL, PRIMARY KEY (post_id, tag_id)) ENGINE=InnoDB;
CREATE TABLE events (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    user_id bigint NULL,
    kind varchar(190) NOT NULL,
    payload json NULL,
    at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE=InnoDB;
CREATE TABLE jobs (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    queue varchar(190) NOT NULL DEFAULT 'default',
    state varchar(190) NOT NULL DEFAULT 'available',
    payload json NULL,
    run_at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    locked_by varchar(190) NULL
) ENGINE=InnoDB;
-- Names that are key words elsewhere in the language.
CREATE TABLE `update` (id bigint PRIMARY KEY, `share` int, `for` varchar(10), `lock` varchar(10), `select` varchar(10), mode int) ENGINE=InnoDB;
CREATE VIEW active_users AS SELECT * FROM users WHERE active = 1;

CREATE FUNCTION audit(what varchar(190)) RETURNS int NOT DETERMINISTIC MODIFIES SQL DATA
    RETURN (SELECT count(*) FROM events WHERE kind = what);
CREATE FUNCTION full_name(a varchar(190)) RETURNS varchar(190) DETERMINISTIC NO SQL RETURN concat('Mx ', a);
CREATE PROCEDURE archive_orders() UPDATE orders SET note = 'archived' WHERE status = 'shipped';

INSERT INTO users (email, name, manager_id, settings) VALUES
    ('ada@example.com', 'Ada', NULL, '{"theme": "dark"}'),
    ('bob@example.com', 'Bob', 1, '{}'),
    ('eve@example.com', 'Eve', 1, '{}');
INSERT INTO accounts (user_id, balance) VALUES (1, 100), (2, 50), (3, 0);
INSERT INTO categories (parent_id, name) VALUES (NULL, 'all'), (1, 'books'), (2, 'sql');
INSERT INTO products (category_id, sku, name, price, stock, attrs) VALUES
    (2, 'B-1', 'Reading', 10, 5, '{"pages": 100, "langs": ["en", "de"]}'),
    (3, 'B-2', 'Writing', 20, 0, '{"pages": 200, "langs": ["en"]}');
INSERT INTO orders (user_id, status, total, paid_at) VALUES
    (1, 'paid', 30, now()), (2, 'new', 10, NULL), (1, 'shipped', 20, now());
INSERT INTO order_items (order_id, product_id, quantity, price) VALUES (1, 1, 1, 10), (1, 2, 1, 20), (2, 1, 1, 10);
INSERT INTO posts (user_id, title, body, published_at) VALUES (1, 'First', 'text', now()), (2, 'Second', 'text', NULL);
INSERT INTO comments (post_id, user_id, body) VALUES (1, 2, 'nice'), (1, 3, 'indeed');
INSERT INTO tags (name) VALUES ('go'), ('sql');
INSERT INTO post_tags VALUES (1, 1), (1, 2);
INSERT INTO events (user_id, kind, payload) VALUES (1, 'login', '{"ip": "127.0.0.1"}'), (2, 'login', '{}');
INSERT INTO jobs (queue, state) VALUES ('default', 'available'), ('mail', 'available');
INSERT INTO `update` VALUES (1, 2, 'x', 'y', 'z', 3);
CREATE SEQUENCE order_number_seq;
CREATE TABLE prices (id bigint PRIMARY KEY, price decimal(12, 2)) WITH SYSTEM VERSIONING;
INSERT INTO prices VALUES (1, 10);
