-- The table of families as the public Rfam database has it, with 4,178 generated rows.
CREATE TABLE family (
  rfam_acc VARCHAR(7) NOT NULL PRIMARY KEY,
  rfam_id VARCHAR(40) NOT NULL UNIQUE,
  auto_wiki INT UNSIGNED NOT NULL,
  description VARCHAR(75),
  author TINYTEXT,
  seed_source TINYTEXT,
  gathering_cutoff DOUBLE(5, 2),
  trusted_cutoff DOUBLE(5, 2),
  noise_cutoff DOUBLE(5, 2),
  comment LONGTEXT,
  previous_id TINYTEXT,
  num_seed BIGINT,
  num_full BIGINT,
  type VARCHAR(50),
  number_of_species BIGINT,
  tax_seed MEDIUMTEXT,
  ecmli_lambda DOUBLE(10, 5),
  created DATETIME NOT NULL,
  updated TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  KEY (created)
);

INSERT INTO family
SELECT
  CONCAT('RF', LPAD(seq, 5, '0')),
  CONCAT(ELT(seq % 4 + 1, 'tRNA', 'mir', 'snoR', 'Intron'), '_', seq),
  1000 + seq,
  IF(seq % 7 = 0, NULL, CONCAT('RNA family ', seq)),
  'Griffiths-Jones SR; 0000-0001-6043-807X',
  'Published; PMID:11283358',
  20 + seq % 80 + 0.25,
  20 + seq % 80 + 0.5,
  20 + seq % 80 - 0.75,
  REPEAT('A family of non-coding RNA. ', seq % 5),
  NULL,
  3 + seq % 900,
  10 + seq * 3,
  CONCAT('Gene; ', ELT(seq % 3 + 1, 'tRNA', 'miRNA', 'snRNA'), ';'),
  1 + seq % 200,
  '',
  0.6 + seq % 10 / 100,
  '2013-10-03 20:41:44' + INTERVAL seq * 37 MINUTE,
  '2024-09-10 12:00:00'
FROM seq_1_to_4178;
