import java.nio.charset.StandardCharsets;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** The masks and tokens of the view, the same as package processors/masking makes. */
final class Masks {
  private static final String CITY = "云岭市";
  private static final String[][] DISTRICTS = {
    {"岭东区", "东关街道", "文庙街道", "翠湖街道", "青石镇"},
    {"岭西区", "西关街道", "金桥街道", "河畔街道", "白塔镇"},
    {"望江县", "望江镇", "柳林镇", "沙河乡", "龙潭乡"},
    {"石屏坝县", "云台彝族乡", "石屏镇", "坝心镇", "红土乡"},
  };
  private static final Set<String> COMPOUND = Set.of(
      "欧阳", "太史", "端木", "上官", "司马", "东方", "独孤", "南宫", "夏侯", "诸葛", "尉迟", "公羊", "赫连", "皇甫", "濮阳", "公孙",
      "慕容", "钟离", "长孙", "宇文", "司徒", "鲜于", "司空", "令狐", "轩辕", "呼延", "百里", "东郭", "西门", "南门");

  /** keyed is one derived key: HKDF and HMAC of SHA-256, sixteen bytes in base 32. */
  static final class Tokens {
    private final Mac mac;

    Tokens(byte[] master, String audience) throws Exception {
      mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec("yiyuan.keyring".getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
      byte[] extracted = mac.doFinal(master);
      mac.init(new SecretKeySpec(extracted, "HmacSHA256"));
      mac.update(("token\0" + audience).getBytes(StandardCharsets.UTF_8));
      mac.update((byte) 1);
      mac.init(new SecretKeySpec(mac.doFinal(), "HmacSHA256"));
    }

    String of(byte[] value) {
      byte[] sum = mac.doFinal(value);
      StringBuilder s = new StringBuilder("t1.");
      int bits = 0, held = 0;
      for (int i = 0; i < 16; i++) {
        bits = bits << 8 | sum[i] & 0xff;
        for (held += 8; held >= 5; held -= 5) {
          s.append("abcdefghijklmnopqrstuvwxyz234567".charAt(bits >>> held - 5 & 31));
        }
      }
      return s.append("abcdefghijklmnopqrstuvwxyz234567".charAt(bits << 5 - held & 31)).toString();
    }
  }

  static String id(String s) {
    return s.length() == 18 ? s.substring(0, 6) + "************" : "******************";
  }

  static String name(String s) {
    int n = s.codePointCount(0, s.length());
    boolean dotted = s.indexOf('·') >= 0;
    int head = n < 2 ? 0 : n > 2 && !dotted && COMPOUND.contains(s.substring(0, 2)) ? 2 : 1;
    StringBuilder b = new StringBuilder();
    int i = 0;
    for (int at = 0; at < s.length(); i++) {
      int c = s.codePointAt(at);
      at += Character.charCount(c);
      if (i < head || c == '·') {
        b.appendCodePoint(c);
      } else {
        b.append('*');
      }
    }
    return b.toString();
  }

  static String phone(String s) {
    return s.length() == 11 && s.charAt(0) == '1' ? s.substring(0, 3) + "****" + s.substring(7) : "*******";
  }

  /** An address cut to its district, and to its town if asked for. */
  static String place(String address, boolean town) {
    String[] found = null;
    for (String[] d : DISTRICTS) {
      int at = address.indexOf(d[0]);
      if (at < 0) {
        continue;
      }
      for (int i = 1; i < d.length; i++) {
        if (address.startsWith(d[i], at + d[0].length())) {
          return CITY + d[0] + (town ? d[i] + "***" : "");
        }
      }
      if (found == null) {
        found = d;
      }
    }
    return found == null ? "***" : CITY + found[0] + (town ? "***" : "");
  }
}
