"""A place under fire: records, kills, a run to the end, a look at every row."""
import collections, random, subprocess, time

#: Rounds that a place lives: more than the fifty finished packages that are kept.
ROUNDS = 150
TABLES = {
    "items": "id, seq, name, more__x, _dlt_id, _dlt_load_id",
    "items__tags": "value__k, _dlt_parent_id, _dlt_list_idx, _dlt_id",
    "_dlt_loads": "load_id, status",
}


class Stuck(Exception):
    """A run after kills did not come to its end."""


class Siege:
    """Kills the runs of one place; `counts` says what was found."""

    def __init__(self, place, seed, api):
        self.place, self.api = place, api
        self.random = random.Random(seed)
        self.counts = collections.Counter()
        self.seq, self.next_id, self.batch = 0, 1, 0
        self.records = {}        # what the source holds, by id (append: each record has an id of its own)
        self.versions = {}       # scd2: how often each id was loaded anew
        self.lasts = 0.4         # seconds that a run takes
        self.problems = []

    def record(self, id):
        self.seq += 1
        tags = [{"value": {"k": f"{id}.{self.seq}.{n}"}} for n in range(self.random.randint(0, 3))]
        return {"id": id, "seq": self.seq, "name": f"n{self.seq}", "more": {"x": self.seq * 2}, "tags": tags}

    def change(self):
        """New records, and for merge, replace and scd2 changed ones."""
        new = [self.record(self.next_id + n) for n in range(self.random.randint(1, 12))]
        self.next_id += len(new)
        if self.place.disposition != "append" and self.records:
            known = self.random.sample(sorted(self.records), min(len(self.records), self.random.randint(0, 6)))
            new += [self.record(id) for id in known]
        for record in new:
            self.records[record["id"]] = record
            self.versions[record["id"]] = self.versions.get(record["id"], 0) + 1
        self.batch += 1
        whole = self.place.disposition in ("replace", "scd2")
        self.place.add(self.batch, list(self.records.values()) if whole else new)
        self.api.records[self.place.folder.name] = list(self.records.values())

    def start(self, command=None):
        return subprocess.Popen(command or self.place.command, cwd=self.place.folder, env=self.place.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def kill_one(self):
        """Starts a run and kills it, if it is not done before."""
        run = self.start()
        try:
            run.wait(timeout=self.random.uniform(0, self.lasts * 1.1))
        except subprocess.TimeoutExpired:
            run.kill()
        run.communicate()
        if run.returncode == -9:
            self.counts["kills"] += 1
        elif run.returncode != 0:
            self.counts["failed_runs"] += 1

    def finish(self):
        """A run to the end, which must succeed."""
        begun = time.monotonic()
        run = self.start()
        try:
            output, _ = run.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            run.kill()
            output, _ = run.communicate()
        if run.returncode != 0:
            raise Stuck(f"exit code {run.returncode}: {output.decode(errors='replace')[-600:]}")
        self.lasts = 0.8 * self.lasts + 0.2 * (time.monotonic() - begun)

    def drop_pending(self):
        if self.place.what == "python":
            return
        run = self.start([self.place.tools.windlass, "pipeline", "drop-pending", self.place.name])
        output, _ = run.communicate(timeout=60)
        # 2: there is no such pipeline yet.
        if run.returncode not in (0, 2):
            raise Stuck(f"drop-pending: exit code {run.returncode}: {output.decode(errors='replace')[-600:]}")

    def round(self):
        self.change()
        for _ in range(self.random.randint(1, 4)):
            self.kill_one()
            # scd2 counts versions, so that its source stands still until it is loaded.
            if self.place.disposition != "scd2" and self.random.random() < 0.2:
                self.change()
        if self.random.random() < 1 / 15:
            self.drop_pending()
        self.finish()
        self.look()

    def look(self):
        """Compares what is there with what must be."""
        rows = self.place.rows(TABLES)
        loads = collections.Counter(load for load, status in rows["_dlt_loads"] if status == 0)
        self.note("doubled", [load for load, count in loads.items() if count > 1], "loads recorded twice")
        items = rows["items"]
        self.note("orphans", [row[0] for row in items if row[5] not in loads], "rows without a recorded load")
        if self.place.disposition == "scd2":
            self.look_at_versions(items)
        else:
            self.look_at_rows(items)
        ids = collections.Counter(row[4] for row in items)
        self.note("doubled", [id for id, count in ids.items() if count > 1], "_dlt_id twice")
        self.look_at_nested(items, rows["items__tags"])
        self.counts["looks"] += 1

    def look_at_rows(self, items):
        want = {(r["id"], r["seq"], r["name"], r["more"]["x"]) for r in self.records.values()}
        have = collections.Counter(tuple(row[:4]) for row in items)
        self.note("lost", sorted(want - have.keys()), "rows lost")
        self.note("doubled", sorted(row for row, count in have.items() if count > 1), "rows doubled")
        self.note("doubled", sorted(have.keys() - want), "rows that should not be there")

    def look_at_versions(self, items):
        want = {(r["id"], r["seq"]) for r in self.records.values()}
        have = collections.Counter((row[0], row[1]) for row in items)
        self.note("lost", sorted(want - have.keys()), "rows lost")
        self.note("doubled", sorted(row for row, count in have.items() if count > 1), "versions doubled")
        versions = collections.Counter(row[0] for row in items)
        wrong = [id for id, count in self.versions.items() if versions[id] != count]
        self.note("lost", wrong, "ids with too few or too many versions")

    def look_at_nested(self, items, tags):
        parents = {row[4]: (row[0], row[1]) for row in items}
        self.note("orphans", [row[0] for row in tags if row[1] not in parents], "nested rows without a parent")
        have = collections.Counter((parents.get(row[1]), row[2], row[0]) for row in tags)
        self.note("doubled", [row for row, count in have.items() if count > 1], "nested rows doubled")
        want = set()
        for r in self.records.values():
            want |= {((r["id"], r["seq"]), n, tag["value"]["k"]) for n, tag in enumerate(r["tags"])}
        self.note("lost", sorted(want - have.keys()), "nested rows lost")
        if self.place.disposition != "scd2":
            self.note("doubled", sorted(have.keys() - want, key=str), "nested rows that should not be there")

    def note(self, kind, what, text):
        if what:
            self.counts[kind] += len(what)
            self.problems.append(f"{text}: {len(what)}, such as {what[:3]}")
