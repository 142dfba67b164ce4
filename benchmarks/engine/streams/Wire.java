import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Avro by position, the quickest way there is to read and write it: a program is a letter a column, s
 * for text and bytes, n for numbers of any width, upper case where the column may be null.
 */
final class Wire {
  static final int FRAME = 5; // 0x00 and the schema id

  /** The columns of one record, as places in its bytes. */
  static final class Row {
    byte[] bytes;
    final String program;
    final int[] from, to; // of a text; from is -1 where it is null
    final long[] number;

    Row(String program) {
      this.program = program;
      from = new int[program.length()];
      to = new int[program.length()];
      number = new long[program.length()];
    }

    /** Reads a framed record; false if it is of another schema. */
    boolean read(byte[] b, int at, int id) {
      bytes = b;
      if (b[at] != 0 || int32(b, at + 1) != id) {
        return false;
      }
      at += FRAME;
      for (int i = 0; i < program.length(); i++) {
        char kind = program.charAt(i);
        if (kind == 'S' || kind == 'N') {
          boolean present = b[at++] != 0;
          if (!present) {
            from[i] = -1;
            continue;
          }
        }
        long n = 0;
        int shift = 0;
        byte x;
        do {
          x = b[at++];
          n |= (x & 0x7fL) << shift;
          shift += 7;
        } while (x < 0);
        n = n >>> 1 ^ -(n & 1);
        if (kind == 's' || kind == 'S') {
          from[i] = at;
          at += (int) n;
        } else {
          from[i] = at;
          number[i] = n;
        }
        to[i] = at;
      }
      return true;
    }

    boolean isNull(int i) {
      return from[i] < 0;
    }

    String text(int i) {
      return new String(bytes, from[i], to[i] - from[i], StandardCharsets.UTF_8);
    }

    boolean same(int i, Row o, int j) {
      return Arrays.equals(bytes, from[i], to[i], o.bytes, o.from[j], o.to[j]);
    }

    boolean is(int i, String ascii) {
      int n = to[i] - from[i];
      if (n != ascii.length()) {
        return false;
      }
      for (int k = 0; k < n; k++) {
        if (bytes[from[i] + k] != ascii.charAt(k)) {
          return false;
        }
      }
      return true;
    }
  }

  static int int32(byte[] b, int at) {
    return b[at] << 24 | (b[at + 1] & 0xff) << 16 | (b[at + 2] & 0xff) << 8 | b[at + 3] & 0xff;
  }

  static long int64(byte[] b, int at) {
    return (long) int32(b, at) << 32 | int32(b, at + 4) & 0xffffffffL;
  }

  /** A buffer that records are written into. */
  static final class Out {
    byte[] b = new byte[4096];
    int n;

    void room(int more) {
      if (n + more > b.length) {
        b = Arrays.copyOf(b, Math.max(2 * b.length, n + more));
      }
    }

    Out frame(int id) {
      n = 0;
      room(5);
      b[n++] = 0;
      return fixed32(id);
    }

    Out fixed32(int x) {
      room(4);
      for (int shift = 24; shift >= 0; shift -= 8) {
        b[n++] = (byte) (x >>> shift);
      }
      return this;
    }

    Out fixed64(long x) {
      return fixed32((int) (x >>> 32)).fixed32((int) x);
    }

    Out raw(byte x) {
      room(1);
      b[n++] = x;
      return this;
    }

    Out raw(byte[] from, int at, int size) {
      room(size);
      System.arraycopy(from, at, b, n, size);
      n += size;
      return this;
    }

    Out number(long x) {
      room(10);
      x = x << 1 ^ x >> 63;
      while ((x & ~0x7fL) != 0) {
        b[n++] = (byte) (x & 0x7f | 0x80);
        x >>>= 7;
      }
      b[n++] = (byte) x;
      return this;
    }

    Out text(byte[] utf8) {
      return number(utf8.length).raw(utf8, 0, utf8.length);
    }

    Out text(String s) {
      return text(s.getBytes(StandardCharsets.UTF_8));
    }

    /** A column of a program's kind: null, text or number of a row. */
    Out column(char kind, Row r, int i) {
      boolean nullable = kind == 'S' || kind == 'N';
      if (r == null || r.isNull(i)) {
        return raw((byte) 0);
      }
      if (nullable) {
        raw((byte) 2);
      }
      if (kind == 's' || kind == 'S') {
        return number(r.to[i] - r.from[i]).raw(r.bytes, r.from[i], r.to[i] - r.from[i]);
      }
      return number(r.number[i]);
    }

    /** A text column, null where s is. */
    Out maybe(char kind, String s) {
      if (kind == 'S') {
        if (s == null) {
          return raw((byte) 0);
        }
        raw((byte) 2);
      }
      return text(s);
    }

    byte[] bytes() {
      return Arrays.copyOf(b, n);
    }

    /** FNV-1a, eight bytes a step, from a place on. */
    long digest(int from) {
      long h = 0xcbf29ce484222325L;
      int i = from;
      for (; i + 8 <= n; i += 8) {
        h = (h ^ int64(b, i)) * 0x100000001b3L;
        h ^= h >>> 29;
      }
      for (; i < n; i++) {
        h = (h ^ b[i]) * 0x100000001b3L;
      }
      return h == 0 ? 1 : h;
    }
  }
}
