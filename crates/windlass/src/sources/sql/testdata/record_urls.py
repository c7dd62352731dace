"""Records how SQLAlchemy reads URLs: `python record_urls.py > urls.jsonl`. Made by SQLAlchemy 2.1.9."""

import json
import random

from sqlalchemy.engine import make_url

PLAIN = [
    "sqlite://", "sqlite:///", "sqlite:///rel", "sqlite:///a/b.db", "sqlite:////abs/c.db", "sqlite:///C:\\a\\b.db",
    "sqlite+aiosqlite:///x.db", "sqlite:///file:x.db?mode=ro&uri=true", "duckdb:///:memory:", "duckdb:////a/b.duckdb",
    "postgresql:///d?host=/run/postgresql", "postgresql://u@/d?host=a:1&host=b:2", "postgresql://[::1]:12/d",
    "postgresql://u:p@[fe80::1%25eth0]/d", "postgresql+psycopg2://me%40x:p%2Fw:1@db.example:6000/my%20db?a=b+c&d=%41",
    "mysql+pymysql://u:p%40ss@h:3306/d?unix_socket=/run/mysqld/mysqld.sock&charset=utf8mb4", "mysql://u:@h/d",
    "mysql://:p@h/d", "mysql://@h/d", "mysql://h", "mysql://h?x=1", "mysql://h:/d", "mysql://h:x/d", "mysql:/h/d",
    "postgresql://h:5432/d@x", "postgresql://u:a/b:c?d#e@h/d", "postgresql://h/a%20b/c@d?x=%zz", "x", "", "://", "a://",
    "postgresql://u:p%ff@h", "postgresql://u:p@[::1", "postgresql://h/d?a=1&a=2&b=&c&=x", " postgresql://h/d",
    "a-b://h", "a+b+c://h", "postgresql://u:p w@h/d", "postgresql://ü:ß@h/ö?ä=é",
]
ALPHABET = ["a", "b", "1", "2", ":", "/", "@", "?", "&", "=", "+", "%", "%40", "%2F", "%3A", "[", "]", "#", ".", "é", " "]

random.seed(7)
urls = list(PLAIN)
for _ in range(700):
    body = "".join(random.choice(ALPHABET) for _ in range(random.randint(0, 14)))
    urls.append(random.choice(["postgresql://", "mysql+pymysql://", "sqlite:///", "duckdb://"]) + body)
for _ in range(300):
    word = lambda: "".join(random.choice(ALPHABET) for _ in range(random.randint(0, 4)))
    urls.append(f"postgresql://{word()}:{word()}@{word()}h{word()}:{random.randint(1, 70000)}/{word()}?k={word()}")
for url in dict.fromkeys(urls):
    try:
        read = make_url(url)
        answer = {
            "drivername": read.drivername, "username": read.username, "password": read.password, "host": read.host,
            "port": read.port, "database": read.database,
            "query": {key: value if isinstance(value, str) else list(value) for key, value in read.query.items()},
        }
    except Exception:
        answer = None
    print(json.dumps({"url": url, "answer": answer}, ensure_ascii=False))
