#!/usr/bin/env python3
"""The independent oracle of the sample city: golden records, findings and masked
values computed from the final image of every row, by plain loops over plain
dictionaries. It shares no code with the bus and needs only Python's standard library.

    oracle.py ROWS.jsonl TODAY CITY KEY VERSION > expected.jsonl

ROWS.jsonl: one {"type":"row","dataset","key","at","fields":{NAME: text or null}} a row that
exists at the end (other types are skipped). TODAY: 2026-01-31. CITY: the catalogue's folder,
of which calendar, regions and code sets are read. KEY: the master key of tokens, in hex; VERSION: its
version, a number.
Output, sorted, one JSON a line; fields that are null are left out:
{"type":"golden","entity","key","fields":{NAME: {"value","dataset","row","flag"}}}
{"type":"finding","rule","case","entity","key","owner","certainty"}
{"type":"masked","view":"person.partial","key": token,"fields":{NAME: text},"GA03":[{NAME: text}]}
"""
import base64, collections, datetime, glob, hashlib, hmac, json, re, sys

DAY = datetime.timedelta(days=1)
# The department that provides a dataset is named by the first two letters, but for the housing fund's.
PROVIDER = {dataset: {"ZJ02": "GJ"}.get(dataset, dataset[:2]) for dataset in (
    "GA01 GA02 GA03 MZ01 MZ02 MZ03 MZ04 RS01 RS02 RS03 WJ01 WJ02 YB01 YB02 SC01 SC02 SW01 SW02 ZR01 ZJ01 ZJ02 JY01 SP01 CL01").split()}
# dataset -> [(entity, key field, role)]
LINKS = {
    "GA01": [("person", "GMSFHM", ""), ("birth", "CSZBH", ""), ("marriage", "POGMSFHM", "partner")], "GA02": [("person", "GMSFHM", ""), ("address", "JZDZ", "")],
    "GA03": [("person", "SYRGMSFHM", "owner"), ("enterprise", "SYRTYSHXYDM", "owner")],
    "MZ01": [("person", "NFGMSFHM", "spouse1"), ("person", "NVFGMSFHM", "spouse2"), ("marriage", "NFGMSFHM", "husband"), ("marriage", "NVFGMSFHM", "wife")], "MZ02": [("person", "GMSFHM", "")],
    "MZ03": [("person", "GMSFHM", ""), ("marriage", "GMSFHM", "")], "MZ04": [("enterprise", "TYSHXYDM", "")],
    "RS01": [("person", "GMSFHM", ""), ("enterprise", "TYSHXYDM", "employer")], "RS02": [("person", "GMSFHM", "")], "RS03": [("enterprise", "TYSHXYDM", "")],
    "WJ01": [("birth", "CSZBH", ""), ("person", "MQGMSFHM", "mother")], "WJ02": [("person", "GMSFHM", ""), ("marriage", "GMSFHM", "")],
    "YB01": [("person", "GMSFHM", "")], "YB02": [("person", "GMSFHM", "")],
    "SC01": [("enterprise", "TYSHXYDM", ""), ("person", "FDDBRZJHM", "legal_rep")], "SC02": [("enterprise", "TYSHXYDM", "")],
    "SW01": [("enterprise", "TYSHXYDM", "")], "SW02": [("enterprise", "TYSHXYDM", "")],
    "ZR01": [("person", "QLRGMSFHM", "owner"), ("enterprise", "QLRTYSHXYDM", "owner")], "ZJ01": [("address", "BZDZ", "")],
    "ZJ02": [("person", "GMSFHM", ""), ("enterprise", "TYSHXYDM", "employer")],
    "JY01": [("person", "GMSFHM", ""), ("person", "JHRGMSFHM", "guardian")],
    "SP01": [("enterprise", "TYSHXYDM", "")], "CL01": [("person", "GMSFHM", "")],
}


# Whom the codes of a dataset's rows are found about: entity -> dataset -> role.
CODE_SUBJECTS = {
    "person": {"GA01": "", "GA02": "", "GA03": "owner", "MZ01": "spouse1", "MZ02": "", "MZ03": "", "RS01": "", "RS02": "", "WJ02": "", "YB01": "", "ZR01": "owner",
               "ZJ02": "", "JY01": "", "CL01": ""},
    "enterprise": {"GA03": "owner", "ZR01": "owner", "MZ04": "", "RS03": "", "SC01": "", "SC02": "", "SW01": "", "SW02": "", "SP01": ""},
    "birth": {"WJ01": ""},
}


# What may be lawful for reasons outside the city.
TO_CONFIRM = set("XV-08/elsewhere XV-09/double XV-10/unregistered XV-11/ga03 XV-11/zr01 XV-11/sc01 XV-11/rs01 XV-12/uninsured XV-15/listed"
                 " XV-16/unlisted XV-17/absent XV-19/expired XV-20/book XV-20/register".split())


def date(text):
    return datetime.date.fromisoformat(text) if text else None


def id_ok(s):
    if len(s) != 18 or not s[:17].isdigit():
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(c) * w for c, w in zip(s, weights)) % 11] == s[17]


def hybrid_ok(digits):
    """ISO 7064 MOD 11,10: the check digit makes the last remainder 1."""
    p = 10
    for c in digits[:-1]:
        p = 2 * ((p + int(c)) % 10 or 10) % 11
    return (p + int(digits[-1])) % 10 == 1


def uscc_ok(s):
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    if len(s) != 18 or any(c not in alphabet for c in s):
        return False
    total = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(s[:17]))
    return alphabet[(31 - total % 31) % 31] == s[17]


def name_norm(s):
    out = []
    for c in s or "":
        o = ord(c)
        if 0xFF01 <= o <= 0xFF5E:
            c = chr(o - 0xFEE0)
        if c in "·•・．.‧∙⋅" or o in (0x00B7, 0x2022, 0x30FB, 0x2027, 0x22C5, 0x2219):
            c = "·"
        if c.isspace() or c == "　":
            continue
        out.append(c)
    return "".join(out)


def first_text(*values):
    for v in values:
        if v:
            return v
    return None


class Dossier:
    """All rows that speak about one subject, by dataset and role."""

    def __init__(self, entity, key):
        self.entity, self.key, self.rows = entity, key, collections.defaultdict(list)

    def of(self, dataset, role=None):
        out = []
        for (d, r), rows in self.rows.items():
            if d == dataset and (role is None or r == role):
                out += rows
        return sorted(out, key=lambda row: row["_key"])


def marriages(d):
    return d.of("MZ01", "spouse1") + d.of("MZ01", "spouse2")


def last_marriage(rows):
    """The row of the latest event: by day of divorce or else of marriage, then by day of marriage, then by row key."""
    return max(rows, key=lambda r: (first_text(r.get("LHRQ"), r.get("DJRQ")), r["DJRQ"], r["_key"]), default=None)


def newest(rows, *fields):
    """The row whose first non-null field of `fields` is greatest; ties go to the greater row key."""
    best, best_value = None, None
    for row in sorted(rows, key=lambda r: r["_key"]):
        value = first_text(*[row.get(f) for f in fields])
        if value is not None and (best is None or value >= best_value):
            best, best_value = row, value
    return best


def death(d):
    """The effective day of death: the latest certificate's that is not revoked, else the cremation's, else the cremation day."""
    certified = [date(row["SWRQ"]) for row in d.of("WJ02") if row.get("CXBZ") != "1"]
    if certified:
        return max(certified)
    burnt = newest(d.of("MZ03"), "SWRQ", "HHRQ")
    return date(first_text(burnt.get("SWRQ"), burnt.get("HHRQ"))) if burnt else None


def take(g, field, row, column=None, flag=""):
    """Fill one cell of a golden record, unless it is filled or the row has nothing to say."""
    value = row.get(column or field) if row else None
    if value is not None and field not in g:
        g[field] = {"value": value, "dataset": row["_dataset"], "row": row["_key"]}
        if flag:
            g[field]["flag"] = flag


def golden_person(d):
    g = {}
    ga01 = d.of("GA01")
    for row in ga01:
        for f in ("XM", "XBDM", "MZDM", "CSRQ", "HJDXZQHDM", "HJDZ"):
            take(g, f, row)
    stays = d.of("GA02")
    stay = newest([r for r in stays if not r.get("ZZRQ")], "QSRQ") or newest(stays, "QSRQ")
    if stay:  # the two cells of a residence come from one row
        take(g, "JZDXZQHDM", stay)
        take(g, "JZDZ", stay)
    else:
        for row in d.of("YB01"):
            take(g, "JZDZ", row, flag="非权威")
    # Of a marriage that a death ended only the survivor is widowed.
    own = [r for role, died in (("spouse1", "2"), ("spouse2", "1")) for r in d.of("MZ01", role) if r["HYZKDM"] != "30" or r.get("SWFDM") == died]
    take(g, "HYZKDM", last_marriage(own))
    for row in ga01:
        take(g, "HYZKDM", row)
    take(g, "SWRQ", newest([r for r in d.of("WJ02") if r.get("CXBZ") != "1"], "SWRQ"))
    take(g, "SWRQ", newest(d.of("MZ03"), "SWRQ"))
    for row in ga01:
        if row.get("ZXYY") == "1":
            take(g, "SWRQ", row, "ZXRQ")
    phones = [r for r in d.of("RS02") + d.of("GA02") if r.get("LXDH")]
    if phones:
        take(g, "LXDH", max(phones, key=lambda r: (r["_at"], r["_key"])))
    return g


def golden_enterprise(d):
    g = {}
    registered, society = d.of("SC01"), d.of("MZ04")
    for row in registered:
        for f in ("JGMC", "FDDBRXM", "ZS", "ZCZB", "CLRQ", "DJZTDM", "HYDM"):
            take(g, f, row)
    for row in society:
        if not registered:  # name, representative and address come from one register
            take(g, "JGMC", row)
            take(g, "FDDBRXM", row)
        take(g, "CLRQ", row)
        take(g, "DJZTDM", row)
    for row in d.of("SW01"):
        take(g, "NSRZTDM", row)
        take(g, "ZGFJ", row)
    for row in d.of("RS03"):
        take(g, "CBRS", row)
    return g


COMPOUND = set("欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 司徒 令狐 夏侯 端木 南宫 宇文 长孙".split())


def mask_name(name):
    """The surname stays: of two-character surnames both, if a given name follows; of a dotted name its first character."""
    keep = 2 if name[:2] in COMPOUND and len(name) > 2 and "·" not in name else 1
    return name[:keep] + "".join(c if c == "·" else "*" for c in name[keep:])


def district(address, regions, city):
    """An address is of a district if it begins with the city's name, the province in front or not, and goes on with the district's."""
    here = "(?:云南省?)?%s市?(%s)" % (re.escape(city.removesuffix("市")), "|".join(regions))
    below = "云南省(%s)" % "|".join(name for name in regions if name[-1] in "县市旗")
    found = re.match(here, address) or re.match(below, address)
    return city + found.group(1) if found else "***"


def person_partial(d, g, regions, city):
    """The view person.partial: what each cell becomes."""
    value = {f: c["value"] for f, c in g.items()}
    out = {"GMSFHM": d.key[:6] + "*" * 12}
    for f in ("XBDM", "HJDXZQHDM", "JZDXZQHDM", "HYZKDM"):
        out[f] = value.get(f)
    if "XM" in value:
        out["XM"] = mask_name(value["XM"])
    if "CSRQ" in value:
        out["CSRQ"] = value["CSRQ"][:4]
    for f in ("HJDZ", "JZDZ"):
        if f in value:
            out[f] = district(value[f], regions, city)
    if "LXDH" in value:
        out["LXDH"] = value["LXDH"][:3] + "****" + value["LXDH"][7:]
    cars = [{"HPHM": r["HPHM"][:2] + "*" * (len(r["HPHM"]) - 3) + r["HPHM"][-1], "CLXH": r["CLXH"], "ZTDM": r["ZTDM"]} for r in d.of("GA03", "owner")]
    return {f: v for f, v in out.items() if v is not None}, cars[:20]


def token(master, version, audience, value):
    """t<version>.<base32>: HMAC-SHA-256, cut to 16 bytes, under a key of the audience's own, derived by HKDF."""
    pseudo = hmac.new(b"yiyuan.keyring", master, hashlib.sha256).digest()
    derived = hmac.new(pseudo, b"token\0" + audience.encode() + b"\1", hashlib.sha256).digest()
    tag = hmac.new(derived, value.encode(), hashlib.sha256).digest()[:16]
    return "t" + version + "." + base64.b32encode(tag).decode().rstrip("=").lower()


def in_force(row, field, today):
    return not row.get(field) or date(row[field]) >= today


def person_findings(d, today):
    ga01 = d.of("GA01")
    ga = ga01[0] if ga01 else None
    own = sorted(ds for (ds, role) in d.rows if role == "")
    if not id_ok(d.key) or d.key[6:14] > today.strftime("%Y%m%d"):
        if own:
            yield "XV-01", "id", PROVIDER[own[0]]
    elif ga:
        born = f"{d.key[6:10]}-{d.key[10:12]}-{d.key[12:14]}"
        if ga["CSRQ"] != born:
            yield "XV-01", "birth", "GA"
        sex = "1" if int(d.key[16]) % 2 else "2"
        if ga["XBDM"] in ("1", "2") and ga["XBDM"] != sex:
            yield "XV-01", "sex", "GA"
    if ga:
        for dataset in ("RS01", "YB01", "JY01"):
            if any(name_norm(r["XM"]) != name_norm(ga["XM"]) for r in d.of(dataset, "") if r.get("XM")):
                yield "XV-03", dataset.lower(), PROVIDER[dataset]
    dead = death(d)
    if dead:
        if dead + 30 * DAY < today and any(r["DYZTDM"] == "1" for r in d.of("RS02")):
            yield "XV-04", "paid", "RS"
        if dead + 30 * DAY < today and any("1" in (r["ZGYBZTDM"], r["JMYBZTDM"]) for r in d.of("YB01")):
            yield "XV-05", "yb01", "YB"
        if dead + 30 * DAY < today and any(in_force(r, "ZZRQ", today) for r in d.of("MZ02")):
            yield "XV-05", "mz02", "MZ"
    certified = [date(r["SWRQ"]) for r in d.of("WJ02") if r.get("CXBZ") != "1"]
    if certified:
        for r in d.of("MZ03"):
            if (r.get("SWRQ") and abs(date(r["SWRQ"]) - certified[0]) > 3 * DAY) or date(r["HHRQ"]) < certified[0]:
                yield "XV-06", "dates", "MZ"
                break
        if certified[0] + 30 * DAY < today and ga and ga["ZXBZ"] == "0":
            yield "XV-07", "registered", "GA"
    last, book = last_marriage(marriages(d)), ga.get("HYZKDM") if ga and ga["ZXBZ"] == "0" else None
    married = ("20", "21", "22", "23")
    if last and (book == "10" or last["HYZKDM"] == "40" and book == "21" or last["HYZKDM"] == "30" and book in married):
        yield "XV-08", "marital", "GA"
    if last and (last["HYZKDM"] == "20" and book == "40" or last["HYZKDM"] == "40" and book in ("20", "22", "23")):
        yield "XV-08", "elsewhere", "GA"
    said = [(r["DJRQ"], r.get("NFHQDM")) for r in d.of("MZ01", "spouse1")] + [(r["DJRQ"], r.get("NVFHQDM")) for r in d.of("MZ01", "spouse2")]
    still = [r["DJRQ"] for r in marriages(d) if r["HYZKDM"] == "20"]
    if len([day for day in still if not any(later > day and was in ("30", "40") for later, was in said)]) >= 2:
        yield "XV-09", "double", "MZ"
    if any(later > day and was == "10" for day in still for later, was in said):
        yield "XV-09", "stated", "MZ"
    relief = d.of("MZ02")
    if any(r["JZLBDM"] == "1" and in_force(r, "ZZRQ", today) for r in relief):
        no_means = "07 08 09 10 11 12 14 15 17 19 21 24 25".split()  # motorcycles, tractors, trailers
        if any(r["ZTDM"] == "1" and r["HPZLDM"] not in no_means for r in d.of("GA03", "owner")):
            yield "XV-11", "ga03", "MZ"
        if len({r["BDCDYH"] for r in d.of("ZR01", "owner") if r["YTDM"] == "1"}) >= 2:
            yield "XV-11", "zr01", "MZ"
        if any(r["DJZTDM"] == "1" and r["TYSHXYDM"][:2] not in ("92", "93") for r in d.of("SC01", "legal_rep")):
            yield "XV-11", "sc01", "MZ"
        if any(float(r["JFJS"]) > 3000 and r["CBZTDM"] == "1" for r in d.of("RS01", "")):
            yield "XV-11", "rs01", "MZ"
    pupils = [r for r in d.of("JY01", "") if r["ZTDM"] == "1"]
    if pupils and not ga and not any(in_force(r, "ZZRQ", today) for r in d.of("GA02")):
        yield "XV-17", "absent", "JY"
    if len({r["XXMC"] for r in pupils}) >= 2:
        yield "XV-17", "twice", "JY"
    if any(r["ZGYBZTDM"] == "1" and r["JMYBZTDM"] == "1" for r in d.of("YB01")):
        yield "XV-18", "both", "YB"
    if any(r["JZLBDM"] == "4" and in_force(r, "ZZRQ", today) for r in relief):
        if dead and dead + 30 * DAY < today:
            yield "XV-19", "dead", "MZ"
        if all(date(r["YXQ"]) < today for r in d.of("CL01")):
            yield "XV-19", "expired", "MZ"
    cards, schools = d.of("CL01"), d.of("JY01", "")
    if any(re.fullmatch(r"\d{17}[\dX][1-7][1-4]", r["CJZH"]) and not id_ok(r["CJZH"][:18]) for r in cards):
        yield "HM-CL01", "check", "CL"
    if any(re.fullmatch(r"[GL]\d{17}[\dX]", r["XJH"]) and not id_ok(r["XJH"][1:]) for r in schools):
        yield "HM-JY01", "check", "JY"
    if any(len(r["CJZH"]) == 20 and r["CJZH"] != r["GMSFHM"] + r["CJLBDM"] + r["CJDJDM"] for r in cards):
        yield "XV-21", "card", "CL"
    if any(len(r["XJH"]) == 19 and r.get("GMSFHM") and r["XJH"][1:] != r["GMSFHM"] for r in schools):
        yield "XV-21", "pupil", "JY"


def enterprise_findings(d, today, workdays_after):
    own = sorted(ds for (ds, role) in d.rows if role == "")
    if own and not uscc_ok(d.key):
        yield "XV-02", "code", PROVIDER[own[0]]
    sc = (d.of("SC01") or [None])[0]
    if sc and sc["DJZTDM"] != "3" and any(r["DJZTDM"] != "3" for r in d.of("MZ04")):
        yield "XV-02", "twice", "SC"
    declared = newest(d.of("SW02"), "SSQ")
    if declared:
        n = int(declared["SBRS"])
        insured = len([r for r in d.of("RS01", "employer") if r["CBZTDM"] == "1"])
        if insured and abs(insured - n) > 1 and 10 * abs(insured - n) > max(n, 1):
            yield "XV-12", "rs01", "SW"
        if not insured and n > 1:
            yield "XV-12", "uninsured", "RS"
        funded = len([r for r in d.of("ZJ02", "employer") if r["JCZTDM"] == "1"])
        if funded and abs(funded - n) > 1 and 10 * abs(funded - n) > max(n, 1):
            yield "XV-12", "zj02", "GJ"
    if sc:
        told = date(first_text(sc.get("HZRQ"), sc["CLRQ"])) + 30 * DAY < today  # others have thirty days to follow
        for dataset in ("SW01", "RS03"):
            if told and any(name_norm(r["JGMC"]) != name_norm(sc["JGMC"]) or name_norm(r["FDDBRXM"]) != name_norm(sc["FDDBRXM"]) for r in d.of(dataset)):
                yield "XV-13", dataset.lower(), PROVIDER[dataset]
        if sc["DJZTDM"] == "3":
            if any(r["NSRZTDM"] == "1" for r in d.of("SW01")):
                yield "XV-14", "sw01", "SW"
            if told and any(r["ZTDM"] == "1" for r in d.of("RS03")):
                yield "XV-14", "rs03", "RS"
    licensed = any(r["XKLXDM"] == "1" and in_force(r, "YXQZ", today) for r in d.of("SP01"))
    if licensed and any(not r.get("YCRQ") for r in d.of("SC02")):
        yield "XV-15", "listed", "SP"
    if licensed and sc and sc["DJZTDM"] == "3":
        yield "XV-15", "cancelled", "SP"
    if any(not r.get("GSRQ") and workdays_after(date(r["JDRQ"]), 7) < today for r in d.of("SP01")):
        yield "XV-15", "unpublished", "SP"
    if any(r.get("GSRQ") and date(r["GSRQ"]) > workdays_after(date(r["JDRQ"]), 7) and date(r["GSRQ"]) + 31 * DAY > today for r in d.of("SP01")):
        yield "XV-15", "late", "SP"
    if any(re.fullmatch(r"JY[1-3]\d{13}", r.get("XKBH") or "") and not hybrid_ok(r["XKBH"][2:]) for r in d.of("SP01")):
        yield "HM-SP01", "check", "SP"


def birth_findings(d, today):
    if any(date(r["CSRQ"]) + 90 * DAY < today for r in d.of("WJ01")) and not d.of("GA01"):
        yield "XV-10", "unregistered", "GA"


def marriage_findings(d, today):
    """Somebody who died is named as spouse by those who still count as married."""
    dead = death(d)
    if not dead or dead + 30 * DAY >= today:
        return
    partners = d.of("GA01", "partner")
    if any(r["ZXBZ"] == "0" and r.get("HYZKDM") in ("20", "21", "22", "23") for r in partners):
        yield "XV-20", "book", "GA"
    if not partners and any(r["HYZKDM"] == "20" for r in d.of("MZ01", "husband") + d.of("MZ01", "wife")):
        yield "XV-20", "register", "MZ"


def address_findings(d):
    if any(not r.get("ZZRQ") for r in d.of("GA02")) and not d.of("ZJ01"):
        yield "XV-16", "unlisted", "GA"


def calendar(folder):
    """Working days from the city's calendar-<year>.yaml, read line by line: only `holidays:` and `workdays:` maps of dates."""
    off, on = set(), set()
    for path in sorted(glob.glob(folder + "/calendar-*.yaml")):
        bucket = None
        for line in open(path, encoding="utf-8"):
            if line.startswith("holidays"):
                bucket = off
            elif line.startswith("workdays"):
                bucket = on
            if bucket is not None and not line.lstrip().startswith("#"):
                bucket.update(re.findall(r"\d{4}-\d{2}-\d{2}", line))

    def after(day, n):
        while n:
            day += DAY
            text = day.isoformat()
            if text in on or (day.weekday() < 5 and text not in off):
                n -= 1
        return day
    return after


def code_fields(folder):
    """dataset -> [(field, what it may hold, whether the set is whole, whether longer codes count)], read line by line."""
    values = lambda text: set(re.findall(r'value: "?([^",}]+)"?', text))
    sets = {}
    for path in glob.glob(folder + "/codes/*.yaml"):
        text = open(path, encoding="utf-8").read()
        sets[re.search(r"(?m)^set: (\S+)", text).group(1)] = (values(text), "complete: true" in text, "below: true" in text)
    elements = {}
    for block in re.split(r"(?m)^  - ", open(folder + "/elements.yaml", encoding="utf-8").read())[1:]:
        if re.search(r"\bkind: code\b", block):
            named = re.search(r"\bset: (\w+)", block)
            elements[re.search(r"\bid: (\w+)", block).group(1)] = sets[named.group(1)] if named else (values(block), True, False)
    out = {}
    for path in glob.glob(folder + "/datasets/*.yaml"):
        text = open(path, encoding="utf-8").read()
        found = out.setdefault(re.search(r"(?m)^dataset: (\S+)", text).group(1), [])
        for line in text.splitlines():
            m = re.match(r"  - \{name: (\w+),.*?element: (\w+)", line)
            if m and m.group(2) in elements:
                own = values(line)
                found.append((m.group(1),) + ((own, True, False) if own else elements[m.group(2)]))
    return out


def code_findings(d, codes):
    """Codes of no set, found about the row's own subject or, where there is none in every row, about its owners."""
    for dataset, roles in CODE_SUBJECTS.get(d.entity, {}).items():
        for whole, case in ((True, "unknown"), (False, "unlisted")):
            def strange(row):
                for field, known, complete, below in codes[dataset]:
                    v = row.get(field)
                    if v and complete == whole and v not in known and not (below and any(v[:n] in known for n in range(1, len(v)))):
                        return True
                return False
            if any(strange(r) for r in d.of(dataset, roles)):
                yield "DM-" + dataset, case, PROVIDER[dataset]


def places(folder):
    """The city's name and its districts, from city.yaml."""
    text = open(folder + "/city.yaml", encoding="utf-8").read()
    return re.search(r"(?m)^name: *(\S+)", text).group(1), re.findall(r'code: *"\d{6}", *name: *([^,]+),', text)


def main(rows_file, today, folder, key, version):
    today, master = date(today), bytes.fromhex(key)
    after, codes = calendar(folder), code_fields(folder)
    city, regions = places(folder)
    dossiers = {}
    for line in open(rows_file, encoding="utf-8"):
        row = json.loads(line)
        if row.get("type") != "row":
            continue
        fields = dict(row["fields"], _dataset=row["dataset"], _key=row["key"], _at=row["at"])
        for entity, field, role in LINKS[row["dataset"]]:
            key = fields.get(field)
            if key and (field != "FDDBRZJHM" or re.fullmatch(r"\d{17}[\dX]", key)):
                dossier = dossiers.setdefault((entity, key), Dossier(entity, key))
                dossier.rows[(row["dataset"], role)].append(fields)
    out = []
    for (entity, key), d in dossiers.items():
        if entity == "person":
            golden, found = golden_person(d), person_findings(d, today)
        elif entity == "enterprise":
            golden, found = golden_enterprise(d), enterprise_findings(d, today, after)
        elif entity == "marriage":
            golden, found = {}, marriage_findings(d, today)
        elif entity == "birth":
            golden, found = {}, birth_findings(d, today)
        else:
            golden, found = {}, address_findings(d)
        found = list(found) + list(code_findings(d, codes))
        if golden:
            out.append({"type": "golden", "entity": entity, "key": key, "fields": golden})
        if golden and entity == "person":
            fields, cars = person_partial(d, golden, regions, city)
            out.append({"type": "masked", "view": "person.partial", "key": token(master, version, "key:person.partial", key), "fields": fields, "GA03": cars})
        for rule, case, owner in found:
            certainty = "to_confirm" if f"{rule}/{case}" in TO_CONFIRM or case == "unlisted" else "contradiction"
            out.append({"type": "finding", "rule": rule, "case": case, "entity": entity, "key": key, "owner": owner, "certainty": certainty})
    for line in sorted(json.dumps(o, ensure_ascii=False, sort_keys=True) for o in out):
        print(line)


if __name__ == "__main__":
    main(*sys.argv[1:6])
