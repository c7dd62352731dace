CREATE TABLE readings (
  id bigint PRIMARY KEY,
  station uuid NOT NULL,
  taken timestamptz NOT NULL,
  celsius numeric(5, 2),
  tags text[],
  raw jsonb
);
INSERT INTO readings
SELECT n, md5((n % 20)::text)::uuid, '2024-01-01 00:00+00'::timestamptz + n * interval '1 minute', (n % 4000) / 100.0 - 10,
  ARRAY['a', 'b' || n % 3], jsonb_build_object('n', n)
FROM generate_series(1, 20000) n;
CREATE INDEX ON readings (taken);
