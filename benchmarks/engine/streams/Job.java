import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.Stores;

/**
 * The peer of the benchmark `engine`: claims of four departments to golden record, findings of three
 * rules and one masked view, exactly once, on Kafka Streams with RocksDB. README.md says how it is tuned.
 * Arguments are name=value; it ends when its input is closed.
 */
public final class Job {
  public static void main(String[] args) throws Exception {
    Map<String, String> of = new HashMap<>();
    for (String arg : args) {
      int at = arg.indexOf('=');
      of.put(arg.substring(0, at), arg.substring(at + 1));
    }
    String prefix = of.get("prefix");
    Properties p = new Properties();
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, prefix + "streams");
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, of.get("brokers"));
    p.put(StreamsConfig.STATE_DIR_CONFIG, of.get("dir"));
    p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
    p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    p.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    p.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
    p.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 5_000);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 2 << 20);
    p.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), "bench"); // back at once after a crash
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), 15_000);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "snappy");
    p.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 100);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 512 << 10);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 128L << 20);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.ACKS_CONFIG), "all");

    Topology t = new Topology();
    t.addSource("claims", prefix + "claims.person");
    t.addProcessor("resolve", () -> new Resolver(of), "claims");
    t.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("dossier"), Serdes.ByteArray(), Serdes.ByteArray())
            .withCachingEnabled(),
        "resolve");
    for (String sink : new String[] {"golden", "shown", "findings"}) {
      t.addSink(sink, prefix + "streams." + sink, "resolve");
    }
    KafkaStreams streams = new KafkaStreams(t, p);
    streams.setUncaughtExceptionHandler(e -> {
      System.err.println("level=ERROR msg=\"" + e + "\"");
      e.printStackTrace();
      return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
    });
    streams.start();
    while (System.in.read() >= 0) {} // until whoever started it closes it
    streams.close(Duration.ofSeconds(20));
    Runtime.getRuntime().halt(0);
  }
}
