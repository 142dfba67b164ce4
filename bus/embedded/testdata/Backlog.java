import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads everything that stands in a broker's topics of a prefix, as a department's Java program would: all partitions at
 * once, committed records alone. Arguments: brokers, prefix, records to come, then one configuration a reading, as
 * name=value,name=value or "-" for the client's own. Prints "records partitions" and the milliseconds that the offsets
 * and the offsets by time took, a line a reading, or ends with 1 if nothing has come for twenty seconds.
 */
public class Backlog {
  public static void main(String[] args) throws Exception {
    for (int i = 3; i < args.length; i++) read(args[0], args[1], Long.parseLong(args[2]), args[i]);
  }

  static void read(String brokers, String prefix, long want, String options) throws Exception {
    Properties p = new Properties();
    p.put("bootstrap.servers", brokers);
    p.put("key.deserializer", ByteArrayDeserializer.class.getName());
    p.put("value.deserializer", ByteArrayDeserializer.class.getName());
    p.put("isolation.level", "read_committed");
    p.put("auto.offset.reset", "earliest");
    if (!options.equals("-"))
      for (String option : options.split(",")) {
        String[] one = option.split("=", 2);
        p.put(one[0], one[1]);
      }
    long have = 0;
    try (KafkaConsumer<byte[], byte[]> c = new KafkaConsumer<>(p)) {
      List<TopicPartition> all = new ArrayList<>();
      for (Map.Entry<String, List<PartitionInfo>> t : c.listTopics().entrySet())
        if (t.getKey().startsWith(prefix))
          for (PartitionInfo one : t.getValue()) all.add(new TopicPartition(t.getKey(), one.partition()));
      c.assign(all);
      long began = System.nanoTime();
      c.beginningOffsets(all);
      c.endOffsets(all);
      long offsets = (System.nanoTime() - began) / 1_000_000;
      Map<TopicPartition, Long> times = new HashMap<>();
      for (TopicPartition one : all) times.put(one, 0L);
      c.offsetsForTimes(times);
      long byTime = (System.nanoTime() - began) / 1_000_000 - offsets;
      for (long last = System.nanoTime(); have < want; ) {
        int n = c.poll(Duration.ofMillis(500)).count();

        have += n;
        if (n > 0) last = System.nanoTime();
        else if (System.nanoTime() - last > 20_000_000_000L) {
          System.out.println(have + " " + all.size() + " " + offsets + " " + byTime);
          System.exit(1);
        }
      }
      System.out.println(have + " " + all.size() + " " + offsets + " " + byTime);
    }
  }
}
