import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.KeyValue;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.memory.MemoryCollection;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.bson.Document;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;

/**
 * Collections in memory that know where the documents of a stock are, as MongoDB does by AMPEL's indexes.
 *
 * <p>AMPEL has indexes that begin with the field {@code stock}, and finds nearly all it reads or writes by it. The server
 * keeps unique indexes only, and looks into one only if it is asked for exactly its fields. Every document of the
 * collection it compares with every stock asked for, so that ten thousand stocks take a hundred times as long as a
 * thousand. Here the answer is the same, in the same order, but nothing else is looked at.
 */
class ByStock extends MemoryDatabase {
    private static final String FIELD = "stock";

    ByStock(String name, CursorRegistry cursors) {
        super(name, cursors);
    }

    @Override
    protected MemoryCollection openOrCreateCollection(String name, CollectionOptions options) {
        return new Stocks(this, name, options, cursorRegistry);
    }

    private static class Stocks extends MemoryCollection {
        private final Map<KeyValue, NavigableSet<Integer>> positions = new HashMap<>();

        Stocks(MongoDatabase database, String name, CollectionOptions options, CursorRegistry cursors) {
            super(database, name, options, cursors);
        }

        @Override
        protected Integer addDocumentInternal(Document document) {
            Integer position = super.addDocumentInternal(document);
            note(document, position);
            return position;
        }

        @Override
        protected void removeDocument(Integer position) {
            forget(getDocument(position), position);
            super.removeDocument(position);
        }

        @Override
        protected void handleUpdate(Integer position, Document before, Document after) {
            forget(before, position);
            note(after, position);
        }

        @Override
        protected QueryResult queryDocuments(
                Document query, Document order, int skip, int limit, int batch, Document fields) {
            Collection<?> stocks = stocksIn(query.get(FIELD));
            if (stocks == null) {
                return super.queryDocuments(query, order, skip, limit, batch, fields);
            }
            NavigableSet<Integer> found = new TreeSet<>(); // in the order of the collection
            for (Object stock : stocks) {
                found.addAll(positions.getOrDefault(key(stock), new TreeSet<>()));
            }
            Document rest = query.clone();
            rest.remove(FIELD);
            return matchDocuments(rest, found, order, skip, limit, batch, fields);
        }

        private void note(Document document, Integer position) {
            for (Object stock : stocksOf(document)) {
                positions.computeIfAbsent(key(stock), each -> new TreeSet<>()).add(position);
            }
        }

        private void forget(Document document, Integer position) {
            for (Object stock : stocksOf(document)) {
                positions.computeIfPresent(
                        key(stock), (each, known) -> known.remove(position) && known.isEmpty() ? null : known);
            }
        }
    }

    /** Datapoints may belong to several stocks. */
    private static Collection<?> stocksOf(Document document) {
        Object value = document.get(FIELD);
        return value instanceof Collection<?> several ? several : value == null ? List.of() : List.of(value);
    }

    /** The stocks of a condition, if it names them one by one. */
    private static Collection<?> stocksIn(Object condition) {
        if (condition instanceof Document operators) {
            boolean listed = operators.keySet().equals(Set.of("$in"));
            return listed && operators.get("$in") instanceof Collection<?> several && areStocks(several) ? several : null;
        }
        return isStock(condition) ? List.of(condition) : null;
    }

    private static boolean areStocks(Collection<?> values) {
        return values.stream().allMatch(ByStock::isStock);
    }

    private static boolean isStock(Object value) {
        return value instanceof Number || value instanceof String;
    }

    /** Numbers are the same stock whatever their type. */
    private static KeyValue key(Object stock) {
        return new KeyValue(List.of(stock)).normalized();
    }
}
