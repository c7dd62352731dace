CREATE TABLE customers (
  id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(80) NOT NULL,
  tier ENUM('basic', 'gold') NOT NULL DEFAULT 'basic',
  settings JSON,
  since DATE NOT NULL
);
CREATE TABLE products (
  sku CHAR(8) PRIMARY KEY,
  title VARCHAR(80) CHARACTER SET latin1 NOT NULL,
  price DECIMAL(10, 2) NOT NULL,
  photo BLOB
);
CREATE TABLE orders (
  id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  customer_id INT UNSIGNED NOT NULL,
  placed DATETIME(3) NOT NULL,
  FOREIGN KEY (customer_id) REFERENCES customers (id)
);
CREATE TABLE order_items (
  order_id BIGINT UNSIGNED,
  position TINYINT UNSIGNED,
  sku CHAR(8) NOT NULL,
  quantity SMALLINT NOT NULL,
  PRIMARY KEY (order_id, position),
  FOREIGN KEY (order_id) REFERENCES orders (id),
  FOREIGN KEY (sku) REFERENCES products (sku)
);
INSERT INTO customers (name, tier, settings, since)
SELECT CONCAT('Zoë ', seq), IF(seq % 5 = 0, 'gold', 'basic'), JSON_OBJECT('mails', seq % 2 = 0), '2020-01-01' + INTERVAL seq DAY
FROM seq_1_to_200;
INSERT INTO products SELECT CONCAT('SKU', LPAD(seq, 5, '0')), CONCAT('Café ', seq), seq * 1.25, UNHEX('89504E47') FROM seq_1_to_50;
INSERT INTO orders (customer_id, placed) SELECT 1 + seq % 200, '2024-03-01 08:00:00.125' + INTERVAL seq MINUTE FROM seq_1_to_3000;
INSERT INTO order_items
SELECT 1 + seq DIV 3, seq % 3, CONCAT('SKU', LPAD(1 + seq % 50, 5, '0')), 1 + seq % 9 FROM seq_0_to_8999;
