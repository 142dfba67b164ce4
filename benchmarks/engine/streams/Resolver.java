import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The dossier of a person is one value of the store: a head, then each department's claim. The head
 * remembers digests of what was last emitted and the state of each rule.
 *
 * <pre>version, golden digest, values digest (8 bytes each); of each rule phase (1) and since (8);
 * of each department: length of the row (4), commit position (8), time (8), row</pre>
 */
final class Resolver implements Processor<byte[], byte[], byte[], byte[]> {
  private static final String[] DATASETS = {"GA01", "YB01", "RS01", "WJ01"};
  private static final String[] FIELDS = {"XM", "XBDM", "CSRQ", "HJDZ", "JZDZ", "HYZKDM", "LXDH", "SWRQ"};
  /** Of each field the departments by authority, and the column of each one's row. */
  private static final int[][][] SOURCES = {
    {{0, 1}, {1, 1}, {2, 1}, {3, 1}}, {{0, 2}}, {{0, 3}}, {{0, 4}}, {{1, 3}, {2, 3}, {3, 3}}, {{0, 5}}, {{2, 4}, {1, 4}, {3, 4}}, {{3, 2}},
  };
  private static final int CSRQ = 2;
  private static final String[][] RULES = {
    {"BM-01", "name", "姓名不一致", "low", "YB", "以户籍登记姓名为准更正 / Correct to the registered name"},
    {"BM-02", "paid", "死亡人员仍在领取养老待遇", "high", "RS", "核实后停发待遇 / Check and stop the pension"},
    {"BM-03", "birth", "出生日期与号码不一致", "medium", "GA", "核对证件更正 / Check the document and correct it"},
  };
  private static final int HEAD = 24 + 9 * RULES.length;
  private static final byte OPEN = 1, CLOSED = 2;

  private final Wire.Row claim;
  private final Wire.Row[] rows = new Wire.Row[DATASETS.length];
  private final int claimId, goldenId, shownId, findingId;
  private final int[] rowId = new int[DATASETS.length];
  private final String golden, shown;
  private final Masks.Tokens viewTokens, findingTokens;
  private final byte[][] datasetNames = new byte[DATASETS.length][], fieldNames = new byte[FIELDS.length][];
  private final int[] winner = new int[FIELDS.length]; // place in SOURCES, -1 none
  private final Wire.Out out = new Wire.Out(), state = new Wire.Out();
  private final byte[][] claims = new byte[DATASETS.length][]; // bytes that hold the row
  private final int[] at = new int[DATASETS.length], size = new int[DATASETS.length];
  private final long[] major = new long[DATASETS.length], time = new long[DATASETS.length];
  private final byte[] phase = new byte[RULES.length];
  private final long[] since = new long[RULES.length];
  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<byte[], byte[]> store;

  Resolver(Map<String, String> of) {
    try {
      claim = new Wire.Row(program(of, "claim"));
      claimId = id(of, "claim");
      for (int i = 0; i < DATASETS.length; i++) {
        rows[i] = new Wire.Row(program(of, DATASETS[i]));
        rowId[i] = id(of, DATASETS[i]);
        datasetNames[i] = DATASETS[i].getBytes(StandardCharsets.UTF_8);
      }
      for (int i = 0; i < FIELDS.length; i++) {
        fieldNames[i] = FIELDS[i].getBytes(StandardCharsets.UTF_8);
      }
      golden = program(of, "golden");
      goldenId = id(of, "golden");
      shown = program(of, "shown");
      shownId = id(of, "shown");
      findingId = id(of, "finding");
      byte[] key = HexFormat.of().parseHex(of.get("key"));
      viewTokens = new Masks.Tokens(key, "key:person.partial");
      findingTokens = new Masks.Tokens(key, "finding");
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** An argument is id:program. */
  private static String program(Map<String, String> of, String name) {
    return of.get(name).substring(of.get(name).indexOf(':') + 1);
  }

  private static int id(Map<String, String> of, String name) {
    return Integer.parseInt(of.get(name).substring(0, of.get(name).indexOf(':')));
  }

  @Override
  public void init(ProcessorContext<byte[], byte[]> context) {
    this.context = context;
    store = context.getStateStore("dossier");
  }

  @Override
  public void process(Record<byte[], byte[]> r) {
    if (!claim.read(r.value(), 0, claimId)) {
      throw new IllegalStateException("a claim of another schema");
    }
    int d = 0;
    while (!claim.is(0, DATASETS[d])) {
      d++;
    }
    byte[] old = store.get(r.key());
    load(old);
    if (size[d] > 0 && major[d] >= claim.number[5]) {
      return; // older than what is known
    }
    claims[d] = r.value();
    at[d] = claim.from[8];
    size[d] = claim.to[8] - claim.from[8];
    major[d] = claim.number[5];
    time[d] = claim.number[7];
    for (int i = 0; i < DATASETS.length; i++) {
      if (size[i] > 0 && !rows[i].read(claims[i], at[i], rowId[i])) {
        throw new IllegalStateException("a row of another schema");
      }
    }
    long version = old == null ? System.currentTimeMillis() : Wire.int64(old, 0);
    long goldenDigest = old == null ? 0 : Wire.int64(old, 8), valuesDigest = old == null ? 0 : Wire.int64(old, 16);
    Record<byte[], byte[]> to = r.withTimestamp(claim.number[7]).withHeaders(null);
    long values = resolve(r.key());
    int body = out.n;
    out.number(version + 1).number(claim.number[7]);
    int story = out.n;
    cells(r.key());
    long told = out.digest(story) ^ values;
    if (told != goldenDigest) {
      version++;
      context.forward(to.withValue(out.bytes()), "golden");
    }
    if (values != valuesDigest) {
      view(r.key());
      context.forward(to.withKey(viewTokens.of(r.key()).getBytes(StandardCharsets.UTF_8)).withValue(out.bytes()), "shown");
    }
    for (int i = 0; i < RULES.length; i++) {
      judge(i, to);
    }
    save(r.key(), version, told, values);
  }

  private void load(byte[] old) {
    Arrays.fill(size, 0);
    Arrays.fill(phase, (byte) 0);
    Arrays.fill(since, 0);
    if (old == null) {
      return;
    }
    for (int i = 0; i < RULES.length; i++) {
      phase[i] = old[24 + 9 * i];
      since[i] = Wire.int64(old, 25 + 9 * i);
    }
    int n = HEAD;
    for (int i = 0; i < DATASETS.length; i++) {
      size[i] = Wire.int32(old, n);
      n += 4;
      if (size[i] > 0) {
        major[i] = Wire.int64(old, n);
        time[i] = Wire.int64(old, n + 8);
        claims[i] = old;
        at[i] = n + 16;
        n += 16 + size[i];
      }
    }
  }

  private void save(byte[] key, long version, long told, long values) {
    state.n = 0;
    state.fixed64(version).fixed64(told).fixed64(values);
    for (int i = 0; i < RULES.length; i++) {
      state.raw(phase[i]).fixed64(since[i]);
    }
    for (int i = 0; i < DATASETS.length; i++) {
      state.fixed32(size[i]);
      if (size[i] > 0) {
        state.fixed64(major[i]).fixed64(time[i]).raw(claims[i], at[i], size[i]);
      }
    }
    store.put(key, state.bytes());
  }

  private boolean known(int d) {
    return size[d] > 0;
  }

  /** Writes the golden record up to its version and returns the digest of its values. */
  private long resolve(byte[] key) {
    out.frame(goldenId).text(key);
    for (int f = 0; f < FIELDS.length; f++) {
      winner[f] = -1;
      for (int i = 0; i < SOURCES[f].length && winner[f] < 0; i++) {
        int[] s = SOURCES[f][i];
        if (known(s[0]) && !rows[s[0]].isNull(s[1])) {
          winner[f] = i;
        }
      }
      if (winner[f] < 0) {
        out.column(golden.charAt(f + 1), null, 0);
      } else {
        int[] s = SOURCES[f][winner[f]];
        out.column(golden.charAt(f + 1), rows[s[0]], s[1]);
      }
    }
    return out.digest(Wire.FRAME);
  }

  /** Writes where each cell comes from and who else spoke. */
  private void cells(byte[] key) {
    int count = 0;
    for (int f = 0; f < FIELDS.length; f++) {
      count += winner[f] >= 0 ? 1 : 0;
    }
    out.number(count);
    for (int f = 0; f < FIELDS.length; f++) {
      if (winner[f] < 0) {
        continue;
      }
      int[] won = SOURCES[f][winner[f]];
      int losers = 0;
      for (int i = winner[f] + 1; i < SOURCES[f].length; i++) {
        losers += known(SOURCES[f][i][0]) && !rows[SOURCES[f][i][0]].isNull(SOURCES[f][i][1]) ? 1 : 0;
      }
      out.text(fieldNames[f]).text(datasetNames[won[0]]).text(key).text("1/" + FIELDS[f] + "/" + (winner[f] + 1));
      out.text(winner[f] > 0 ? "fallback" : losers == 0 ? "sole" : "rank").text("").number(time[won[0]]);
      if (losers > 0) {
        out.number(losers);
        for (int i = winner[f] + 1; i < SOURCES[f].length; i++) {
          int[] s = SOURCES[f][i];
          if (known(s[0]) && !rows[s[0]].isNull(s[1])) {
            boolean agrees = rows[won[0]].same(won[1], rows[s[0]], s[1]);
            out.text(datasetNames[s[0]]).text(key).text(agrees ? "agrees" : "rank").raw((byte) 2).text(rows[s[0]].text(s[1]));
          }
        }
      }
      out.number(0);
    }
    if (count > 0) {
      out.number(0);
    }
  }

  private String value(int f) {
    if (winner[f] < 0) {
      return null;
    }
    int[] s = SOURCES[f][winner[f]];
    return rows[s[0]].text(s[1]);
  }

  private void view(byte[] key) {
    out.frame(shownId);
    String name = value(0), registered = value(3), residence = value(4), phone = value(6);
    String born = winner[CSRQ] < 0 ? null : Integer.toString(LocalDate.ofEpochDay(rows[0].number[3]).getYear());
    String[] cells = {
      Masks.id(new String(key, StandardCharsets.US_ASCII)), name == null ? null : Masks.name(name), value(1), born,
      registered == null ? null : Masks.place(registered, true), residence == null ? null : Masks.place(residence, false), value(5),
      phone == null ? null : Masks.phone(phone),
    };
    for (int i = 0; i < cells.length; i++) {
      out.maybe(shown.charAt(i), cells[i]);
    }
  }

  private boolean holds(int rule, byte[] key) {
    switch (rule) {
      case 0:
        return known(0) && known(1) && !rows[0].same(1, rows[1], 1);
      case 1:
        return known(3) && !rows[3].isNull(2) && known(2) && rows[2].is(2, "1");
      default:
        return known(0) && checked(key) && rows[0].number[3] != born(key);
    }
  }

  private static final int[] WEIGHTS = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};

  private static boolean checked(byte[] key) {
    if (key.length != 18) {
      return false;
    }
    int sum = 0;
    for (int i = 0; i < 17; i++) {
      sum += (key[i] - '0') * WEIGHTS[i];
    }
    return key[17] == "10X98765432".charAt(sum % 11);
  }

  private static int digits(byte[] key, int from, int to) {
    int n = 0;
    for (int i = from; i < to; i++) {
      n = 10 * n + key[i] - '0';
    }
    return n;
  }

  private static long born(byte[] key) {
    return LocalDate.of(digits(key, 6, 10), digits(key, 10, 12), digits(key, 12, 14)).toEpochDay();
  }

  private void judge(int rule, Record<byte[], byte[]> to) {
    boolean holds = holds(rule, to.key());
    if (holds == (phase[rule] == OPEN)) {
      return;
    }
    if (!holds && phase[rule] == 0) {
      return;
    }
    long now = System.currentTimeMillis();
    phase[rule] = holds ? OPEN : CLOSED;
    if (holds) {
      since[rule] = now;
    }
    String[] is = RULES[rule];
    String subject = findingTokens.of(to.key()), id = is[0] + "|" + is[1] + "|" + subject;
    out.frame(findingId).text(id).text(is[0]).text(is[1]).text(is[2]).text("person").text(subject);
    out.text(Masks.id(new String(to.key(), StandardCharsets.US_ASCII))).text(is[3]);
    out.raw((byte) 2).text("contradiction").text(holds ? "open" : "closed").text(is[4]);
    out.number(since[rule]).number(since[rule] / 86_400_000 + 14);
    if (holds) {
      out.raw((byte) 0);
    } else {
      out.raw((byte) 2).number(now);
    }
    out.number(0).number(1).text(is[5]);
    evidence(rule);
    context.forward(to.withKey(id.getBytes(StandardCharsets.UTF_8)).withValue(out.bytes()), "findings");
  }

  private void evidence(int rule) {
    int[][] shows = rule == 0 ? new int[][] {{0, 1}, {1, 1}} : rule == 1 ? new int[][] {{2, 2}, {3, 2}} : new int[][] {{0, 3}};
    out.number(shows.length);
    for (int[] s : shows) {
      Wire.Row row = rows[s[0]];
      String value;
      if (!known(s[0]) || row.isNull(s[1])) {
        value = null;
      } else if (rule == 0) {
        value = Masks.name(row.text(1));
      } else if (rule == 1 && s[0] == 2) {
        value = row.text(2);
      } else {
        String day = LocalDate.ofEpochDay(row.number[s[1]]).toString();
        value = rule == 1 ? day : day.substring(0, 4);
      }
      out.text(datasetNames[s[0]]).text(rule == 0 ? "XM" : rule == 2 ? "CSRQ" : s[0] == 2 ? "DYZTDM" : "SWRQ");
      out.maybe('S', value).raw((byte) 2).number(time[s[0]]);
    }
    out.number(0);
  }
}
