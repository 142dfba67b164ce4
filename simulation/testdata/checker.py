"""Judges histories of the simulation.

It knows the promises and this small city's rules, and nothing of the system: it folds what the departments said on
its own, masks on its own, and compares. Written from the specification only; Python's standard library only.

Input (stdin): the histories of many runs, one JSON object a line; a line {"e": "end"} ends one. Output: one line of JSON a run,
{"seed": n, "broken": [[rule, what], ...]}. The rules:

  raw          each change said is in its raw topic as often as it was said, in the order of its row, dated as its source dates it; of a
               source that was put back and read again its rows, and what was said after
  claim        no claim is made twice under one catalogue; the claims of a row follow its source's order
  golden       the last golden record of each person is the fold of what was said, and names its sources
  version      versions rise; two versions in a row do not say the same
  finding      the open findings are those that hold, once each; a finding opens and closes in turn
  awaited      nobody is said to lack what has not been delivered yet, nor what was there all the time since it was
  quarantine   what is bad, and nothing else, is in quarantine, once
  shared       the last masked record of each person is the mask of the golden record
  unmasked     nothing personal stands where it must not: shared topics, findings, quarantine, audit, cache, logs, metrics, answers
  answer       an answer is a state of that very person, no older than as_of says
  absent       404 only about who was not there, and not before the first delivery of whatever could have told of them
  back         what was read once is not read older later, what was gone does not come back
  stale        an answer too old for its promise says so
  unavailable  when all is quiet again everything answers, and as of a time after everything was said
  granted      only granted fields, only with a grant in force
  budget       of quotas and budgets no more is answered over all gateways than there is, and nobody is told that one is used up who has not
               used it
  audit        the entry of an answer was in the log before its first byte, and is about that answer
  lag          every step has read all there is
  state        what a process's disk holds is the fold of the changelog up to where it says it stands
"""

import base64
import collections
import hashlib
import hmac
import itertools
import json
import sys

PEOPLE_FIELDS = ["XM", "HJDZ", "JZDZ", "LXDH"]
MASTERS = {1: bytes([7]) * 32, 2: bytes([8]) * 32}
FIELDS = {"GA01": ["GMSFHM", "XM", "HJDZ", "ZXBZ"], "GA03": ["HPHM", "SYRGMSFHM", "CLXH"], "RS02": ["GMSFHM", "DYZTDM", "LXDH"], "YB01": ["GMSFHM", "XM", "LXDH", "JZDZ"]}
SOURCE = {"GA01": "ga", "GA03": "ga", "RS02": "rs", "YB01": "yb"}
CITY, DISTRICTS = "云岭市", {"岭东区": ["东关街道", "文庙街道"], "岭西区": ["西关街道", "金桥街道"]}
STALE_AFTER = 60_000  # milliseconds: the cycle of every dataset here is realtime
REVOKED_AFTER = 1_000


def token(audience, value, key):
    pseudo = hmac.new(b"yiyuan.keyring", MASTERS[key], hashlib.sha256).digest()
    derived = hmac.new(pseudo, b"token\0" + audience.encode() + b"\1", hashlib.sha256).digest()
    tag = hmac.new(derived, value.encode(), hashlib.sha256).digest()[:16]
    return "t%d." % key + base64.b32encode(tag).decode().rstrip("=").lower()


TOKENS = {}


def tokens(audience, value, key):
    if (audience, value, key) not in TOKENS:
        TOKENS[audience, value, key] = token(audience, value, key)
    return TOKENS[audience, value, key]


# Masks.

def mask_id(s):
    return s[:6] + "*" * (len(s) - 6)


def mask_name(s):
    keep = 2 if s[:2] == "欧阳" and len(s) > 2 else 1
    return s[:keep] + "*" * (len(s) - keep)


def mask_phone(s):
    return s[:3] + "****" + s[7:]


def mask_plate(s):
    return s[:2] + "*" * (len(s) - 3) + s[-1]


def district(s):
    for name in DISTRICTS:
        if name in s:
            return CITY + name
    return "***"


def town(s):
    for name, towns in DISTRICTS.items():
        if name in s:
            for one in towns:
                if name + one in s:
                    return CITY + name + one + "***"
            return CITY + name + "***"
    return "***"


# What a person's rows come to.

def golden(rows, catalogue):
    """rows: dataset -> (row, at) or None. Returns field -> (value, dataset)."""
    out = {}
    ga, yb, rs = rows["GA01"], rows["YB01"], rows["RS02"]
    order = [("GA01", ga), ("YB01", yb)]
    for dataset, row in order if catalogue == 0 else order[::-1]:
        if row and "XM" not in out:
            out["XM"] = (row[0]["XM"], dataset)
    if ga:
        out["HJDZ"] = (ga[0]["HJDZ"], "GA01")
    if yb and yb[0].get("JZDZ") is not None:
        out["JZDZ"] = (yb[0]["JZDZ"], "YB01")
    phones = [(row[1], dataset, row[0]["LXDH"]) for dataset, row in (("RS02", rs), ("YB01", yb)) if row and row[0].get("LXDH") is not None]
    if phones:
        _, dataset, phone = max(phones)
        out["LXDH"] = (phone, dataset)
    return out


def masked(key, rows, vehicles, catalogue):
    """The record of person.partial, None if there is none."""
    g = golden(rows, catalogue)
    if not g:
        return None
    first, second = (district, town) if catalogue == 0 else (town, district)
    hide = {"XM": mask_name, "HJDZ": first, "JZDZ": second, "LXDH": mask_phone}
    out = {"GMSFHM": mask_id(key)}
    for f in PEOPLE_FIELDS:
        out[f] = hide[f](g[f][0]) if f in g else None
    out["GA03"] = [{"HPHM": mask_plate(plate), "CLXH": row["CLXH"]} for plate, row in sorted(vehicles.items())]
    return out


def pension(key, row):
    """The record of RS02.partial."""
    if not row:
        return None
    phone = row[0].get("LXDH")
    return {"GMSFHM": mask_id(key), "DYZTDM": row[0]["DYZTDM"], "LXDH": mask_phone(phone) if phone is not None else None}


# The cases that speak of absence: the dataset that lacks something, whether a row of it does, the other, what that says, and whose matter it is.
LACKING = {
    "unregistered": ("GA01", lambda ga: ga is None, "RS02", lambda rs: rs is not None and rs["DYZTDM"] == "1", "GA"),
    "uninsured": ("YB01", lambda yb: yb is None, "GA01", lambda ga: ga is not None and ga["ZXBZ"] == "0", "YB"),
    "unpaid": ("RS02", lambda rs: rs is None or rs["DYZTDM"] != "1", "YB01", lambda yb: yb is not None, "RS"),
}


def holding(rows, catalogue):
    """The findings that hold about a person."""
    ga, yb, rs = rows["GA01"], rows["YB01"], rows["RS02"]
    if ga and yb and ga[0]["XM"] != yb[0]["XM"]:
        yield "XV-01", "yb01", "YB"
    if ga and rs and ga[0]["ZXBZ"] == "1" and (rs[0]["DYZTDM"] == "1" if catalogue == 0 else rs[0]["DYZTDM"] != "0"):
        yield "XV-02", "paid", "RS"
    content = {d: row[0] if row else None for d, row in rows.items()}
    for case, (dataset, lacks, other, says, owner) in LACKING.items():
        if lacks(content[dataset]) and says(content[other]):
            yield "XV-03", case, owner


def parse_pos(pos):
    """source, epoch and place of a header pos: SOURCE@[EPOCH.]MAJOR.MINOR"""
    source, _, place = (pos or "@").rpartition("@")
    if place.count(".") == 2:
        epoch, place = place.split(".", 1)
        return source, int(epoch, 16), place
    return source, 0, place


def is_of(at, dated, t):
    """Whether a record may be of the time at which its source dated at dated what it said at t: no time lies after the publishing."""
    return at == dated if dated <= t else t <= at <= dated


def expected(log):
    """What the raw topics of a source hold of what it delivered: how often, in which order, of which times."""
    said, order, dated = collections.Counter(), collections.defaultdict(list), collections.defaultdict(set)
    for s in log:
        if s["e"] != "say":
            continue
        mark = ("%016X.%08X" % (s["seq"], 0), s["op"])
        key = "" if s["op"] == "t" else s["key"]
        dated[(s["ds"], key) + mark].add((s["at"], s["t"]))
        if s["op"] == "t":
            said[(s["ds"], "") + mark] += 2
            for p in range(2):
                order[s["ds"], p, None].append(mark)
        else:
            said[(s["ds"], key) + mark] += 1
            order[s["ds"], None, key].append(mark)
    return said, order, dated


class Row:
    """One row of a department, as its history of accepted states: (said at, row or None, what the department says is the time of it)."""

    def __init__(self):
        self.seq, self.states = -1, [(-1, None, 0)]

    @property
    def now(self):
        return self.states[-1][1]


class Run:
    def __init__(self, events):
        self.broken = []
        self.by = collections.defaultdict(list)
        for e in events:
            self.by[e["e"]].append(e)
        self.topics = collections.defaultdict(list)
        for r in self.by["rec"]:
            self.topics[r["topic"]].append(r)
        head = self.by["run"][0]
        self.seed = head["seed"]
        self.changed = self.by["catalogue"][0]["t"] if self.by["catalogue"] else None
        self.catalogue = 1 if self.changed is not None else 0
        self.key = self.by["rotate"][-1]["to"] if self.by["rotate"] else 1  # that tokens are made with in the end
        self.rows = collections.defaultdict(Row)  # (dataset, key)
        self.refused = []  # (dataset, key, seq, time at the source, when it was said) that route must refuse
        self.people = set()
        self.sayings = [e for e in events if e["e"] in ("say", "reject", "restore", "copy")]
        self.logs = collections.defaultdict(list)  # source -> what it delivers
        self.lost = collections.defaultdict(list)  # source -> what it delivered, or not, before it was put back
        self.came = collections.defaultdict(list)  # (dataset, telephone) -> when a content with it was published
        self.copies = {}  # source -> where in its log it was last read again from the beginning, and the rows then
        self.fold()
        self.date()

    def date(self):
        """Gives contents that their source dates in the future the time of their publishing, which their raw record bears. A
        telephone is said once, so it tells the content. What came again, after a restore, is of its last coming in the end;
        answers of before are of an earlier one."""
        came = self.came
        for topic, records in self.topics.items():
            if topic not in ("raw.RS02", "raw.YB01"):
                continue
            now = {}
            for r in records:
                if "h.poison" in r or "h.ctl" in r or not r["key"]:
                    continue
                _, epoch, place = parse_pos(r.get("h.pos"))
                phone = None if r["gone"] else (r["val"] or {}).get("LXDH")
                if r["key"] in now and now[r["key"]][0] >= (epoch, place):
                    continue
                if phone is not None and (r["key"] not in now or now[r["key"]][1] != phone):
                    came[topic[4:], phone].append(int(r.get("h.at", "0")))
                now[r["key"]] = ((epoch, place), phone)
        for (dataset, _), row in self.rows.items():
            for i, (at, content, dated) in enumerate(row.states):
                if content and dated > at and content.get("LXDH") is not None:
                    row.states[i] = (at, content, came.get((dataset, content["LXDH"]), [dated])[-1])

    def bad(self, rule, what):
        self.broken.append([rule, what])

    def fold(self):
        """Folds what was said, in the order in which it was delivered."""
        for s in self.sayings:
            src, log = s["src"], self.logs[s["src"]]
            if s["e"] == "copy":
                self.copies[src] = (len(log), s["rows"], s["t"])
            elif s["e"] == "restore":
                self.lost[src] += log[s["keep"]:]
                del log[s["keep"]:]
                self.put_back(src, s["t"])
            else:
                log.append(s)
                if s["e"] == "say":
                    self.apply(self.rows, s, self.refused)

    def apply(self, rows, s, refused):
        dataset, key, seq, at, dated = s["ds"], s["key"], s["seq"], s["t"], s["at"]
        if s["op"] == "t":
            for (d, _), row in rows.items():
                if d == dataset and row.now is not None and row.seq < seq:
                    row.seq = seq
                    row.states.append((at, None, dated))
            return
        if dataset != "GA03":
            self.people.add(key)
        row = rows[dataset, key]
        if seq <= row.seq:
            return
        if s["op"] == "d":
            row.seq = seq
            row.states.append((at, None, dated))
            return
        content = {f: s["row"].get(f) for f in FIELDS[dataset]}
        if s.get("na"):
            if row.now is None:
                refused.append((dataset, key, seq, dated, at))
                return
            for f in s["na"]:
                content[f] = row.now[f]
        row.seq = seq
        if content == row.now:
            return  # nothing new: the row's content is as of when it was first said
        row.states.append((at, content, dated))

    def put_back(self, src, t):
        """The department's system is put back to what its log now comes to."""
        table = collections.defaultdict(Row)
        for s in self.logs[src]:
            if s["e"] == "say":
                self.apply(table, s, [])
        for name in {n for n in self.rows if SOURCE[n[0]] == src} | set(table):
            row, dated = table[name].now, table[name].states[-1][2]
            self.rows[name].seq = table[name].seq
            if row != self.rows[name].now:
                self.rows[name].states.append((t, row, dated))

    # What the topics hold.

    def check_raw(self):
        for src in sorted(set(SOURCE.values())):
            if src in self.copies or src in self.lost:
                self.check_raw_again(src)
            else:
                self.check_raw_of(src)

    def raw(self, src):
        """The raw records of a source: (dataset, partition, key, epoch, place, operation, time at the source)."""
        for topic, records in self.topics.items():
            if not topic.startswith("raw.") or SOURCE[topic[4:]] != src:
                continue
            for r in records:
                if "h.poison" in r or "h.ctl" in r:
                    continue
                source, epoch, place = parse_pos(r.get("h.pos"))
                if source != src:
                    self.bad("raw", "%s holds a record of source %s" % (topic, source))
                yield topic[4:], r["p"], r["key"], epoch, place, r.get("h.op"), int(r.get("h.at", "0"))

    def check_raw_of(self, src):
        """Of a source that goes on from beginning to end: all that was said, as often, in order, and dated as said."""
        said, order, dated = expected(self.logs[src])
        seen, came = collections.Counter(), collections.defaultdict(list)
        epochs = set()
        for dataset, partition, key, epoch, place, op, at in self.raw(src):
            epochs.add(epoch)
            name = (dataset, key, place, op)
            seen[name] += 1
            came[(dataset, partition, None) if op == "t" else (dataset, None, key)].append((place, op))
            if name in dated and not any(is_of(at, *d) for d in dated[name]):
                self.bad("raw", "%s is of %s, said to be of %s" % (name, at, dated[name]))
        if len(epochs) > 1:
            self.bad("raw", "%s was never read anew, yet has epochs %s" % (src, sorted(epochs)))
        for name in said.keys() | seen.keys():
            if said[name] != seen[name]:
                self.bad("raw", "%s of %s is there %d times, said %d times" % (name, src, seen[name], said[name]))
        for name in order:
            if not self.broken and order[name] != came[name]:
                self.bad("raw", "%s of %s came in another order" % (name, src))

    def check_raw_again(self, src):
        """Of a source that was put back to an earlier state, or read again from the beginning: nothing it never said, nothing
        more often; in the last epoch the rows of its last copy once each, then all that was said after it, in order; rows that
        are in the copy are not inferred to be gone."""
        log = self.logs[src]
        ever, _, dated = expected(log + self.lost[src])
        start, rows, copied_at = self.copies.get(src, (0, None, 0))
        must, order, _ = expected(log[start:])
        records = list(self.raw(src))
        last = max((r[3] for r in records), default=0)
        if len({r[3] for r in records}) > 1 + len([e for e in self.by["resync"] if e["src"] == src]):
            self.bad("raw", "%s has more epochs than it was read again" % src)
        seen, seen_last, copied, inferred = collections.Counter(), collections.Counter(), collections.Counter(), collections.Counter()
        came = collections.defaultdict(list)
        for dataset, partition, key, epoch, place, op, at in records:
            name = (dataset, key, place, op)
            if op == "r":
                copied[epoch, dataset, key] += 1
                if epoch == last and not any(r[:2] == [dataset, key] and is_of(at, r[2], copied_at) for r in rows or ()):
                    self.bad("raw", "%s %s of %s is of %d in the copy that was read" % (dataset, key, src, at))
                continue
            if op == "d" and int(place.split(".")[0], 16) == 0:
                inferred[epoch, dataset, key] += 1
                continue
            seen[name] += 1
            if not any(is_of(at, *d) for d in dated.get(name, ())):
                self.bad("raw", "%s of %s is of %s, said to be of %s" % (name, src, at, dated.get(name)))
            if epoch == last:
                seen_last[name] += 1
                came[(dataset, partition, None) if op == "t" else (dataset, None, key)].append((place, op))
        for name, n in seen.items():
            if n > ever[name]:
                self.bad("raw", "%s of %s is there %d times, said %d times" % (name, src, n, ever[name]))
        if rows is None:  # put back to where it had not been read yet: it goes on
            for name, n in must.items():
                if seen[name] < n:
                    self.bad("raw", "%s of %s is there %d times, said %d times" % (name, src, seen[name], n))
            return
        if not rows and not must:
            return
        for name in must.keys() | seen_last.keys():
            if must[name] != seen_last[name]:
                self.bad("raw", "%s of %s is there %d times after it was read again, said %d times" % (name, src, seen_last[name], must[name]))
        for name in order:
            if not self.broken and order[name] != came[name]:
                self.bad("raw", "%s of %s came in another order after it was read again" % (name, src))
        want = collections.Counter((last, dataset, key) for dataset, key, _ in rows)
        for name in want.keys() | {n for n in copied if n[0] == last}:
            if want[name] != copied[name]:
                self.bad("raw", "%s of %s is %d times in the copy that was read, want %d" % (name, src, copied[name], want[name]))
        for (epoch, dataset, key), n in inferred.items():
            if n > 1 or epoch == last and any(r[0] == dataset and r[1] == key for r in rows):
                self.bad("raw", "%s %s of %s is inferred to be gone %d times in epoch %d" % (dataset, key, src, n, epoch))

    def check_claims(self):
        seen, last = set(), {}
        for r in self.topics["claims.person"]:
            if "h.ctl" in r:
                continue
            v = r["val"]
            about = (r["key"], v["dataset"], v["role"], v["row"])
            place = (v.get("epoch") or 0, v["major"], v["minor"])
            name = about + (place, v["op"])
            if name in seen and self.changed is None:  # under another catalogue everything is said again
                self.bad("claim", "%s is made twice" % (name,))
            seen.add(name)
            if last.get(about, place) > place:
                self.bad("claim", "%s goes back from %s" % (name, last[about]))
            last[about] = place

    def state(self, key, dataset):
        row = self.rows.get((dataset, key))
        if row is None or row.now is None:
            return None
        return row.now, row.states[-1][2]

    def person(self, key):
        return {d: self.state(key, d) for d in ("GA01", "RS02", "YB01")}

    def vehicles(self, key):
        return {plate: row.now for (d, plate), row in self.rows.items() if d == "GA03" and row.now is not None and row.now["SYRGMSFHM"] == key}

    def everyone(self):
        out = set(self.people)
        for (d, _), row in self.rows.items():
            if d == "GA03":
                out |= {s[1]["SYRGMSFHM"] for s in row.states if s[1] and s[1]["SYRGMSFHM"]}
        return out

    def final(self, topic):
        out = {}
        for r in self.topics[topic]:
            if r["gone"]:
                out.pop(r["key"], None)
            else:
                out[r["key"]] = r["val"]
        return out

    def check_golden(self):
        have = self.final("resolved.person")
        for key in self.everyone() | have.keys():
            want = golden(self.person(key), self.catalogue)
            got = have.get(key)
            if got is None:
                if want:
                    self.bad("golden", "%s has no golden record" % key)
                continue
            cells = {c["field"]: (got.get(c["field"]), c["dataset"]) for c in got["_cells"]}
            if cells != want or any(got.get(f) is not None for f in PEOPLE_FIELDS if f not in want):
                self.bad("golden", "%s is %s, want %s" % (key, cells, want))

    def check_versions(self):
        for topic, records in self.topics.items():
            if not topic.startswith(("resolved.", "shared.")):
                continue
            last, body, under = {}, {}, {}
            for r in records:
                key, version = r["key"], int(r.get("h.ver", "0"), 16)
                if version <= last.get(key, 0):
                    self.bad("version", "%s %s: %d follows %d" % (topic, key, version, last[key]))
                if topic.endswith(".verify") and not r["gone"]:
                    said = r["hex"]  # digests alone, which no text tells
                else:
                    said = None if r["gone"] else json.dumps({f: v for f, v in r["val"].items() if f not in ("_ver", "_at")}, sort_keys=True)
                if key in body and said == body[key] and r.get("h.cat") == under[key]:
                    self.bad("version", "%s %s: version %d says what the one before said" % (topic, key, version))
                if key not in body and said is None:
                    self.bad("version", "%s %s is deleted and was never there" % (topic, key))
                last[key], body[key], under[key] = version, said, r.get("h.cat")

    def check_shared(self):
        have = self.final("shared.person.partial")
        for key in self.everyone():
            want = masked(key, self.person(key), self.vehicles(key), self.catalogue)
            got = have.pop(tokens("key:person.partial", key, self.key), None)
            if got is not None and got.get("GA03") is None:
                got = dict(got, GA03=[])
            if got != want:
                self.bad("shared", "person.partial of %s is %s, want %s" % (key, got, want))
        if have:
            self.bad("shared", "person.partial of nobody: %s" % list(have))
        have = self.final("shared.RS02.partial")
        for key in self.everyone():
            want = pension(key, self.state(key, "RS02"))
            got = have.pop(tokens("key:RS02.partial", key, self.key), None)
            if got != want:
                self.bad("shared", "RS02.partial of %s is %s, want %s" % (key, got, want))
        if have:
            self.bad("shared", "RS02.partial of nobody: %s" % list(have))

    def check_tokens(self):
        """Nothing is left under a token of another key, and what moved is where its deletion says, in the same version."""
        for topic, records in self.topics.items():
            if not topic.startswith("shared."):
                continue
            there = {(r["key"], r.get("h.ver")) for r in records if not r["gone"]}
            for r in records:
                if "h.moved" in r and not (r["gone"] and (r["h.moved"], r.get("h.ver")) in there):
                    self.bad("shared", "%s %s is said to have moved to %s, where it is not" % (topic, r["key"], r["h.moved"]))
            for key in self.final(topic):
                if key[:1] == "t" and not key.startswith("t%d." % self.key):
                    self.bad("shared", "%s %s stands under the token of another key" % (topic, key))

    def check_findings(self):
        last, phase = {}, {}
        for r in self.topics["findings"]:
            if r["gone"]:
                continue
            v = r["val"]
            if v["ver"] != last.get(r["key"], 0) + 1:
                self.bad("finding", "version %d of %s follows %d" % (v["ver"], r["key"], last.get(r["key"], 0)))
            last[r["key"]] = v["ver"]
            if v["state"] == "closed" and phase.get(r["key"]) != "open":
                self.bad("finding", "%s closes and was not open" % r["key"])
            phase[r["key"]] = v["state"]
        got = collections.Counter()
        for v in self.final("findings").values():
            if v["state"] == "open":
                got[v["rule"], v["case"], v["subject"], v["owner"]] += 1
        want = collections.Counter()
        for key in self.everyone():
            for rule, case, owner in holding(self.person(key), self.catalogue):
                want[rule, case, tokens("finding", key, self.key), owner] += 1
        for name in got.keys() | want.keys():
            if got[name] != want[name]:
                self.bad("finding", "%s is open %d times, want %d" % (name, got[name], want[name]))

    def check_awaited(self):
        """Of each finding that somebody lacks something: all of that had been delivered for the first time before, and at some
        moment since then it was lacking. A finding is of its source's time, so where it stands in the topic is what counts."""
        arrived = {e["src"]: e for e in self.by["arrived"]}
        people = {tokens("finding", key, n): key for key in self.everyone() for n in MASTERS}
        end = float("inf")
        for r in self.topics["findings"]:
            v = r["val"]
            if r["gone"] or v["rule"] != "XV-03" or v["state"] != "open":
                continue
            dataset, lacks, other, says, _ = LACKING[v["case"]]
            first, person = arrived.get(SOURCE[dataset]), people.get(v["subject"])
            if person is None:
                self.bad("awaited", "%s of nobody" % v["case"])
            elif first and r["o"] < first["findings"][r["p"]]:
                self.bad("awaited", "%s of %s, before %s was first delivered" % (v["case"], person, dataset))
            elif not any(lacks(c and c[0]) for c in self.candidates(person, dataset, first["t"] if first else 0, end)):
                self.bad("awaited", "%s of %s, who had it in %s all the time" % (v["case"], person, dataset))
            elif not any(says(c and c[0]) for c in self.candidates(person, other, 0, end)):
                self.bad("awaited", "%s of %s, of whom %s never said so" % (v["case"], person, other))

    def check_quarantine(self):
        want = collections.Counter()
        marks = collections.defaultdict(list)
        for dataset, key, seq, dated, at in self.refused:
            marks[dataset, key, seq].append((dated, at))
        for topic, records in self.topics.items():
            if not topic.startswith("raw."):
                continue
            for r in records:
                locator = "%s/%d@%d" % (topic, r["p"], r["o"])
                if "h.poison" in r:
                    want[locator] += 1
                elif any(is_of(int(r.get("h.at", "0")), *d) for d in marks.get((topic[4:], r["key"], int(parse_pos(r.get("h.pos", "@0.0"))[2].split(".")[0], 16)), ())):
                    want[locator] += 1
        maybe = {r["loc"] for src, log in self.lost.items() for r in log if r["e"] == "reject"}
        maybe |= {r["loc"] for src, (start, _, _) in self.copies.items() for r in self.logs[src][:start] if r["e"] == "reject"}
        for r in self.by["reject"]:
            if r["loc"] not in maybe:
                want[r["loc"]] += 1
        got = collections.Counter(r["val"]["locator"] for r in self.topics["quarantine"])
        for name in got.keys() | want.keys():
            if got[name] != want[name] and not (name in maybe and got[name] == 1):
                self.bad("quarantine", "%s is there %d times, want %d" % (name, got[name], want[name]))
        poisoned = sum(1 for t, rs in self.topics.items() if t.startswith("raw.") for r in rs if "h.poison" in r)
        if poisoned != len(self.by["poison"]):
            self.bad("raw", "%d poisoned records, wrote %d" % (poisoned, len(self.by["poison"])))

    # What leaked.

    def secrets(self):
        out = set(self.everyone())
        for s in self.by["say"]:
            for f, v in s["row"].items():
                if f in ("GMSFHM", "SYRGMSFHM", "XM", "HJDZ", "JZDZ", "LXDH", "HPHM"):
                    out.add(v)
        return out

    def check_masks(self):
        places = collections.defaultdict(list)
        for topic, records in self.topics.items():
            for r in records:
                if "hex" in r:
                    places[topic] += [bytes.fromhex(r["hex"]), r["key"].encode()]
        for r in self.by["redis"]:
            places["cache"] += [bytes.fromhex(r["key"]), bytes.fromhex(r["hex"])]
        for kind in ("log", "metrics"):
            places[kind] += [e["text"].encode() for e in self.by[kind]]
        places["answer"] = [e["text"].encode() for e in self.by["got"]]
        secrets = [(s, s.encode()) for s in self.secrets()]
        for place, texts in places.items():
            text = b"\n".join(texts)
            for s, raw in secrets:
                if raw in text:
                    self.bad("unmasked", "%s stands in %s" % (s, place))
                    break

    # What was answered.

    def candidates(self, key, dataset, low, high):
        """The states a row can have had in an answer that is no older than low and was given by high."""
        row = self.rows.get((dataset, key))
        if row is None:
            return [None]
        first = 0
        for i, (at, _, _) in enumerate(row.states):
            if at < low:
                first = i
        out = []
        for at, content, when in row.states[first:]:
            if at > high:
                continue
            out.append((content, when) if content is not None else None)
            if content is not None:
                out += [(content, t) for t in self.came.get((dataset, content.get("LXDH")), ()) if t != when and at <= t <= high]
        return out

    def versions(self, t0, t1):
        if self.changed is None or t1 < self.changed:
            return [0]
        return [0, 1]

    def possible(self, view, key, low, high):
        """All records the view can show of the key."""
        if view == "RS02.partial":
            for row in self.candidates(key, "RS02", low, high):
                yield pension(key, row)
            return
        plates = sorted({p for (d, p), row in self.rows.items() if d == "GA03" and any(s[1] and s[1]["SYRGMSFHM"] == key for s in row.states)})
        cars = [self.candidates(p, "GA03", low, high) for p in plates]
        for catalogue in self.versions(low, high):
            for ga, rs, yb in itertools.product(*(self.candidates(key, d, low, high) for d in ("GA01", "RS02", "YB01"))):
                rows = {"GA01": ga, "RS02": rs, "YB01": yb}
                one = masked(key, rows, {}, catalogue)
                if one is None:
                    yield None
                    continue
                for seen in itertools.product(*cars):
                    own = {p: s[0] for p, s in zip(plates, seen) if s and s[0]["SYRGMSFHM"] == key}
                    yield masked(key, rows, own, catalogue) if own or cars else one

    def shown(self, view, key, got, low, high):
        """Whether the view can have shown just that. The rows about the person are looked at one by one, lest there be too many ways."""
        if view == "RS02.partial":
            return any(agrees(got, one) for one in self.possible(view, key, low, high))
        own = {f: v for f, v in got.items() if f != "GA03"}
        for catalogue in self.versions(low, high):
            for ga, rs, yb in itertools.product(*(self.candidates(key, d, low, high) for d in ("GA01", "RS02", "YB01"))):
                one = masked(key, {"GA01": ga, "RS02": rs, "YB01": yb}, {}, catalogue)
                if one is not None and agrees(own, one):
                    return "GA03" not in got or self.vehicles_shown(key, got["GA03"] or [], low, high)
        return False

    def vehicles_shown(self, key, got, low, high):
        """Whether the vehicles shown can have been the person's: each plate shows a row it had, or had none of this owner."""
        ways = [[]]
        for (dataset, plate) in sorted(k for k in self.rows if k[0] == "GA03"):
            options = []
            for c in self.candidates(plate, "GA03", low, high):
                one = {"HPHM": mask_plate(plate), "CLXH": c[0]["CLXH"]} if c and c[0]["SYRGMSFHM"] == key else None
                if one not in options:
                    options.append(one)
            ways = [w + ([o] if o else []) for w in ways for o in options]
        return got in ways

    def gone(self, view, key, low, high):
        if view == "RS02.partial":
            return any(one is None for one in self.possible(view, key, low, high))
        sets = [self.candidates(key, d, low, high) for d in ("GA01", "RS02", "YB01")]
        return all(any(not golden(dict(zip(("GA01", "RS02", "YB01"), (c if i == j else None for j in range(3)))), 0) for c in s) for i, s in enumerate(sets))

    def check_answers(self):
        grants = collections.defaultdict(dict)
        for g in self.by["grant"]:
            grants[g["app"]][g["view"]] = set(g["fields"])
        revoked = {r["app"]: r["t"] for r in self.by["revoke"]}
        clocks = {e["id"]: e["clock"] for e in self.by["ask"]}
        arrived = {e["src"]: e["t"] for e in self.by["arrived"]}
        last = {}  # (view, key) -> answers
        asof = collections.defaultdict(list)  # (gateway life, view) -> (given, as of)
        for e in sorted(self.by["got"], key=lambda e: e["t"]):
            view, key, status, t0, t1 = e["view"], e["key"], e["status"], e["t0"], e["t"]
            name = "%s of %s at %d" % (view, key, t1)
            life = (e["proc"], e["life"], view)
            before = max((a for given, a in asof[life] if given < t0), default=0)
            if status not in (200, 404):
                continue
            body = json.loads(e["text"])
            low = millis(body.get("as_of"))
            if body.get("match"):
                self.bad("answer", "%s says yes to what nobody ever said" % name)
            if 0 < low < before:  # 0: a source has joined that has not come through yet
                self.bad("back", "%s is as of %d, answered as of %d before" % (name, low, before))
            asof[life].append((t1, low))
            if clocks[e["id"]] - low > STALE_AFTER and not body.get("stale"):
                self.bad("stale", "%s is as of %d and says it is fresh" % (name, low))
            if status == 404:
                for src, when in arrived.items():
                    if t1 < when and (src == "rs" or view != "RS02.partial"):
                        self.bad("absent", "%s, while nothing of %s had been delivered" % (name, src))
                if not self.gone(view, key, max(low, before), t1):
                    self.bad("absent", "%s as of %d" % (name, low))
                last.setdefault((view, key), []).append((t0, t1, None))
                continue
            if "match" in body:
                continue
            got, version = body["data"], int(body["version"], 16)
            allowed = grants[e["app"]].get(view, set())
            if not set(got) <= allowed or "asked" in e and set(got) != set(e["asked"].split(",")):
                self.bad("granted", "%s shows %s" % (name, sorted(got)))
            if e["app"] in revoked and t0 > revoked[e["app"]] + REVOKED_AFTER:
                self.bad("granted", "%s: revoked at %d" % (name, revoked[e["app"]]))
            if not self.shown(view, key, got, low, t1):
                self.bad("answer", "%s shows %s as of %d" % (name, got, low))
            for s0, s1, v in last.get((view, key), ()):
                if s1 < t0 and v is not None and v > version:
                    self.bad("back", "%s has version %d, version %d was read at %d" % (name, version, v, s1))
                if s1 < t0 and v is None and any(o1 < s0 and o is not None and o >= version for _, o1, o in last[view, key]):
                    self.bad("back", "%s is there again with version %d" % (name, version))
            last.setdefault((view, key), []).append((t0, t1, version))

    def check_budgets(self):
        """What was answered of quotas and budgets over all gateways, and who was told that they are used up.

        A charge comes before its answer, by as long as a question may take and a slice may lie; so answers of a window that
        is shorter by that are all charged within a whole one. Redis that is emptied or goes back has forgotten charges."""
        forgets = sorted(e["t"] for e in self.by["fault"] if e["name"] in ("cache.flush", "cache.refill", "cache.restore"))
        b = self.by["budget"][0]
        spans = (("Minute", 60_000), ("Hour", 3_600_000), ("Day", 86_400_000))
        quotas = {g["app"]: g["quota"] for g in self.by["grant"] if g.get("quota")}
        asked = collections.defaultdict(list)  # what is counted -> (begin, end, what became of it)
        ends = {e["id"]: e for e in self.by["got"]}
        for e in self.by["ask"]:
            got = ends.get(e["id"])
            one = (e["t"], got["t"] if got else None, got["status"] if got else 0, json.loads(got["text"]).get("code", "") if got and got["status"] == 429 else "")
            if e["app"] in quotas:
                asked[e["app"], None].append(one)
            elif e["view"] == "person.verify":
                asked[e["app"], None].append(one)
                asked[e["app"], e["key"]].append(one)
        lives = len([e for e in self.by["start"] if e["proc"] in ("gateway", "follower")])
        for (app, target), all_of_it in asked.items():
            if app in quotas:
                limits, slack, code = [(quotas[app], 60_000)], max(1, quotas[app] // 20), "YIYUAN-4290"
            else:
                limits, slack, code = [(b["app" if target is None else "target"][name], span) for name, span in spans], 0, "YIYUAN-4292"
            answers = sorted((end, begin) for begin, end, status, _ in all_of_it if status in (200, 404))
            for limit, span in limits:
                for i, (first, charged) in enumerate(answers):
                    within = []
                    for end, begin in answers[i:]:
                        charged = min(charged, begin)  # one of these charges, at the earliest
                        if end < first + span - 7_000 and not any(charged <= f < end for f in forgets):
                            within.append(end)
                    if len(within) > limit:
                        self.bad("budget", "%s of %s had %d answers from %d on, may have %d" % (app, target, len(within), first, limit))
                        break
            least = min(limit for limit, _ in limits)
            for t0, t1, status, said in all_of_it:
                if said != code or app not in quotas and target is None:
                    continue
                if self.used(all_of_it, t1, slack) + slack * lives < least and (app in quotas or self.used(asked[app, None], t1, 0) < min(b["app"].values())):
                    self.bad("budget", "%s of %s is told at %d that it has used up what it has not" % (app, target, t1))

    def used(self, asked, by, slack):
        """How much of a budget may have been charged by then, at the most."""
        return sum(1 if status in (200, 404) else 1 + slack for t0, _, status, _ in asked if t0 <= by and status != 429)

    def check_quiet(self):
        if self.by["stuck"]:
            self.bad("unavailable", "not level again in time")
            return
        end = self.by["settled"][0]["t"]
        quiet = self.by["quiet"][0]["t"]
        latest = {}
        for e in self.by["got"]:
            if e["app"] == "reader" and e["t"] <= end and "asked" not in e:
                latest[e["view"], e["key"]] = e
        for (view, key), e in latest.items():
            name = "%s of %s" % (view, key)
            if e["status"] not in (200, 404):
                self.bad("unavailable", "%s is answered by %d" % (name, e["status"]))
            elif millis(json.loads(e["text"]).get("as_of")) < quiet:
                self.bad("unavailable", name + " is as of before it was quiet")
            elif e["status"] == 404 and not self.gone(view, key, quiet, e["t"]):
                self.bad("absent", name + " when all was quiet")

    def check_audit(self):
        entries = {}
        for r in self.topics["audit"]:
            if r["val"]["request"] in entries and r["val"]["id"] != entries[r["val"]["request"]]["val"]["id"]:
                self.bad("audit", "request %s has two entries" % r["val"]["request"])
            entries.setdefault(r["val"]["request"], r)
        for e in self.by["got"]:
            if e["status"] >= 500 and e["req"] not in entries:
                continue  # withheld because the entry could not be written
            r = entries.get(e["req"])
            name = "answer %d (%d)" % (e["id"], e["status"])
            if r is None:
                self.bad("audit", name + " has no entry")
                continue
            v = r["val"]
            if r["o"] >= e["audit"][r["p"]]:
                self.bad("audit", name + " was given before its entry was there")
            if e["status"] < 500 and (v["status"] != e["status"] or v["app"] != e["app"] or v["view"] != e["view"]):
                self.bad("audit", name + " is not what its entry says")
            if e["status"] == 200 and v["body"] != e["sha"]:
                self.bad("audit", name + " has another body than its entry says")

    # What the processes are left with.

    def check_lag(self):
        for g in self.by["group"]:
            if g["at"] < g["end"]:
                self.bad("lag", "%s stands at %d of %d in %s/%d" % (g["step"], g["at"], g["end"], g["topic"], g["p"]))

    def check_state(self):
        changes = collections.defaultdict(list)
        for c in self.by["change"]:
            changes[c["step"], c["p"]].append((c["o"], c["key"], c["val"]))
        for s in self.by["state"]:
            want = {}
            for o, key, val in changes[s["step"], s["p"]]:
                if o < s["reached"]:
                    if val is None:
                        want.pop(key, None)
                    else:
                        want[key] = val
            if want != s["rows"]:
                self.bad("state", "%s/%d of %s differs from its changelog in %d keys" % (s["step"], s["p"], s["proc"], len(set(want.items()) ^ set(s["rows"].items()))))

    def judge(self):
        for check in (self.check_raw, self.check_claims, self.check_golden, self.check_versions, self.check_shared, self.check_tokens, self.check_findings, self.check_awaited, self.check_quarantine,
                      self.check_masks, self.check_answers, self.check_budgets, self.check_quiet, self.check_audit, self.check_lag, self.check_state):
            check()
        return self.broken


def agrees(got, one):
    """Whether what was shown, which may be some fields only, is of the record."""
    return one is not None and all(one.get(f) == v for f, v in got.items())


def millis(text):
    """Milliseconds of a time like 2000-01-01T08:00:00.000+08:00, 0 for none."""
    if text is None:
        return 0
    import datetime
    return int(datetime.datetime.fromisoformat(text).timestamp() * 1000 + 0.5)


def main():
    events = []
    for line in sys.stdin:
        e = json.loads(line)
        if e["e"] != "end":
            events.append(e)
            continue
        broken = Run(events).judge()
        print(json.dumps({"seed": e.get("seed", 0), "broken": broken[:20]}, ensure_ascii=False), flush=True)
        events = []


if __name__ == "__main__":
    main()
