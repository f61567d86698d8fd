import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.AbstractMongoBackend;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.List;
import java.util.Map;

/**
 * Serves MongoDB's protocol on loopback, by mongo-java-server: {@code MongoOnLoopback PORT [FILE]}.
 *
 * <p>Port 0 takes a free one; the first line printed names it. Without a file, of the H2 database, all is in memory. The
 * server ends with its standard input, so that it never outlives who started it.
 */
public class MongoOnLoopback {
    /** The oldest MongoDB that today's pymongo speaks to; the server itself claims an older one. */
    private static final MongoVersion VERSION =
            new MongoVersion() {
                @Override
                public List<Integer> getVersionArray() {
                    return List.of(4, 4, 0);
                }

                @Override
                public int getWireVersion() {
                    return 9;
                }
            };

    /** If this property is true, documents are not looked up by stock: the server as it comes. */
    private static final String COMPARE = "compare";

    public static void main(String[] arguments) throws Exception {
        AbstractMongoBackend backend = arguments.length > 1 ? new OnDisk(arguments[1]) : new InMemory();
        backend.version(VERSION);
        MongoServer server = new MongoServer(backend);
        server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
        System.out.println(server.getLocalAddress().getPort());
        System.out.flush();
        while (System.in.read() >= 0) {}
        server.shutdownNow();
        System.exit(0);
    }

    private static class InMemory extends MemoryBackend {
        @Override
        public MemoryDatabase openOrCreateDatabase(String name) {
            return Boolean.getBoolean(COMPARE) ? super.openOrCreateDatabase(name) : new ByStock(name, getCursorRegistry());
        }

        @Override
        public Document handleMessage(MongoMessage message) {
            Document refused = refusal(message);
            return refused != null ? refused : super.handleMessage(understood(message));
        }
    }

    private static class OnDisk extends H2Backend {
        OnDisk(String file) {
            super(file);
            getMvStore().setAutoCommitDelay(0);
        }

        /** What was acknowledged survives a kill, as with MongoDB's journal, and always whole messages. */
        @Override
        public synchronized Document handleMessage(MongoMessage message) {
            Document refused = refusal(message);
            if (refused != null) {
                return refused;
            }
            Document answer = super.handleMessage(understood(message));
            commit();
            return answer;
        }
    }

    /** The server knows no users: whoever gives a name and a password is told that they are wrong, as by MongoDB. */
    private static Document refusal(MongoMessage message) {
        if (!message.getDocument().containsKey("saslStart")) {
            return null;
        }
        return new Document("ok", 0)
                .append("errmsg", "Authentication failed.")
                .append("code", 18)
                .append("codeName", "AuthenticationFailed");
    }

    /** Writes the expression $last, which the server lacks, as MongoDB's manual defines it: the element at -1. */
    private static MongoMessage understood(MongoMessage message) {
        rewrite(message.getDocument(), false);
        return message;
    }

    @SuppressWarnings("unchecked")
    private static void rewrite(Object value, boolean expression) {
        if (value instanceof Document document) {
            if (expression && document.containsKey("$last")) {
                document.put("$arrayElemAt", List.of(document.remove("$last"), -1));
            }
            for (Map.Entry<String, Object> entry : document.entrySet()) {
                rewrite(entry.getValue(), expression || entry.getKey().equals("$expr"));
            }
        } else if (value instanceof Iterable<?> values) {
            values.forEach(each -> rewrite(each, expression));
        }
    }
}
