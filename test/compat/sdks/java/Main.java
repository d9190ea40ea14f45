import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.dapr.actors.ActorId;
import io.dapr.actors.ActorMethod;
import io.dapr.actors.ActorType;
import io.dapr.actors.client.ActorClient;
import io.dapr.actors.client.ActorProxyBuilder;
import io.dapr.actors.runtime.AbstractActor;
import io.dapr.actors.runtime.ActorRuntime;
import io.dapr.actors.runtime.ActorRuntimeContext;
import io.dapr.actors.runtime.Remindable;
import io.dapr.client.DaprClient;
import io.dapr.client.DaprClientBuilder;
import io.dapr.client.DaprPreviewClient;
import io.dapr.client.SubscriptionListener;
import io.dapr.client.domain.CloudEvent;
import io.dapr.client.domain.DeleteJobRequest;
import io.dapr.client.domain.GetJobRequest;
import io.dapr.client.domain.HttpExtension;
import io.dapr.client.domain.ScheduleJobRequest;
import io.dapr.client.domain.State;
import io.dapr.client.domain.StateOptions;
import io.dapr.client.domain.TransactionalStateOperation;
import io.dapr.utils.TypeRef;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import reactor.core.publisher.Mono;

/** The scenarios by Dapr's Java SDK; its app side is the SDK's actor runtime behind the JDK's HTTP server. */
public class Main {
  static final ObjectMapper JSON = new ObjectMapper();
  static final Map<String, BlockingQueue<String>> ARRIVED = new LinkedHashMap<>();
  static final int WAIT_SECONDS = 20;

  interface Scenario {
    void run() throws Exception;
  }

  static synchronized void say(Object... members) throws IOException {
    Map<String, Object> line = new LinkedHashMap<>();
    for (int i = 0; i < members.length; i += 2) line.put((String) members[i], members[i + 1]);
    System.out.println(JSON.writeValueAsString(line));
    System.out.flush();
  }

  static String next(String name) throws InterruptedException {
    String value = ARRIVED.get(name).poll(WAIT_SECONDS, TimeUnit.SECONDS);
    if (value == null) throw new IllegalStateException("nothing for " + WAIT_SECONDS + " s");
    return value;
  }

  static void expect(Object found, Object wanted) {
    if (!Objects.equals(found, wanted)) {
      throw new IllegalStateException("found " + found + ", wanted " + wanted);
    }
  }

  static void refused(Mono<?> action) {
    try {
      action.block();
    } catch (RuntimeException expected) {
      return;
    }
    throw new IllegalStateException("it was not refused");
  }

  @ActorType(name = "Counter")
  public interface Counter {
    @ActorMethod(returns = Integer.class)
    Mono<Integer> add(int by);

    @ActorMethod
    Mono<Void> startTimer();

    /** The SDK calls back methods of the interface only. */
    @ActorMethod
    Mono<Void> onTimer(String data);

    @ActorMethod
    Mono<Void> startReminder();
  }

  public static class CounterImpl extends AbstractActor implements Counter, Remindable<String> {
    public CounterImpl(ActorRuntimeContext<CounterImpl> context, ActorId id) {
      super(context, id);
    }

    @Override
    public Mono<Integer> add(int by) {
      return getActorStateManager()
          .contains("count")
          .flatMap(has -> has ? getActorStateManager().get("count", Integer.class) : Mono.just(0))
          .map(before -> before + by)
          .flatMap(count -> getActorStateManager().set("count", count).thenReturn(count));
    }

    @Override
    public Mono<Void> startTimer() {
      Duration soon = Duration.ofMillis(100);
      return registerActorTimer("timer", "onTimer", "from timer", soon, soon).then();
    }

    @Override
    public Mono<Void> onTimer(String data) {
      ARRIVED.get("timer").add(data);
      return unregisterTimer("timer");
    }

    @Override
    public Mono<Void> startReminder() {
      return registerReminder(
          "reminder", "from reminder", Duration.ofMillis(100), Duration.ofSeconds(1));
    }

    @Override
    public TypeRef<String> getStateType() {
      return TypeRef.STRING;
    }

    @Override
    public Mono<Void> receiveReminder(String name, String data, Duration due, Duration period) {
      ARRIVED.get("reminder").add(data);
      return unregisterReminder(name);
    }
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** What the app answers; null is a 404. */
  static byte[] answer(HttpExchange exchange) throws IOException {
    String[] path = exchange.getRequestURI().getPath().substring(1).split("/");
    byte[] body = exchange.getRequestBody().readAllBytes();
    ActorRuntime actors = ActorRuntime.getInstance();
    switch (path[0]) {
      case "dapr":
        if (path[1].equals("config")) return actors.serializeConfig();
        return bytes("[{\"pubsubname\":\"pubsub\",\"topic\":\"orders\",\"route\":\"/orders\"}]");
      case "orders":
        ARRIVED.get("order").add(JSON.readTree(body).get("data").toString());
        return bytes("{\"status\":\"SUCCESS\"}");
      case "echo":
        return bytes("{\"echo\":" + new String(body, StandardCharsets.UTF_8) + "}");
      case "tick":
        ARRIVED.get("tick").add("");
        return bytes("{}");
      case "job":
        ARRIVED.get("job").add(new String(body, StandardCharsets.UTF_8));
        return bytes("{}");
      case "actors":
        Mono<byte[]> outcome;
        if (path.length == 3) outcome = actors.deactivate(path[1], path[2]).thenReturn(bytes(""));
        else if (path[4].equals("timer") && path.length == 6)
          outcome = actors.invokeTimer(path[1], path[2], path[5], body).thenReturn(bytes(""));
        else if (path[4].equals("remind") && path.length == 6)
          outcome = actors.invokeReminder(path[1], path[2], path[5], body).thenReturn(bytes(""));
        else outcome = actors.invoke(path[1], path[2], path[4], body);
        byte[] reply = outcome.block();
        return reply == null ? bytes("") : reply;
      default:
        return null;
    }
  }

  static void serve(HttpExchange exchange) throws IOException {
    byte[] reply;
    int status = 200;
    try {
      reply = answer(exchange);
      if (reply == null) status = 404;
    } catch (RuntimeException error) {
      reply = bytes(String.valueOf(error));
      status = 500;
    }
    exchange.getResponseHeaders().add("content-type", "application/json");
    exchange.sendResponseHeaders(status, reply == null || reply.length == 0 ? -1 : reply.length);
    if (reply != null && reply.length > 0) exchange.getResponseBody().write(reply);
    exchange.close();
  }

  static Counter counter(ActorClient client, String id) {
    return new ActorProxyBuilder<>(Counter.class, client).build(new ActorId(id));
  }

  static Map<String, Scenario> scenarios(
      DaprClient dapr, DaprPreviewClient preview, ActorClient actors) {
    StateOptions firstWrite =
        new StateOptions(StateOptions.Consistency.STRONG, StateOptions.Concurrency.FIRST_WRITE);
    Map<String, Scenario> all = new LinkedHashMap<>();
    all.put("state", () -> {
      dapr.saveState("store", "a", Map.of("n", 1)).block();
      expect(dapr.getState("store", "a", Map.class).block().getValue(), Map.of("n", 1));
      dapr.deleteState("store", "a").block();
      expect(dapr.getState("store", "a", String.class).block().getValue(), null);
    });
    all.put("state-etag", () -> {
      dapr.saveState("store", "e", "one").block();
      String etag = dapr.getState("store", "e", String.class).block().getEtag();
      dapr.saveState("store", "e", etag, "two", firstWrite).block();
      refused(dapr.saveState("store", "e", etag, "three", firstWrite));
      State<String> now = dapr.getState("store", "e", String.class).block();
      expect(now.getValue(), "two");
      refused(dapr.deleteState("store", "e", etag, firstWrite));
      dapr.deleteState("store", "e", now.getEtag(), firstWrite).block();
    });
    all.put("state-transaction", () -> {
      dapr.saveState("store", "t1", "old").block();
      List<TransactionalStateOperation<?>> operations = new ArrayList<>();
      operations.add(new TransactionalStateOperation<>(
          TransactionalStateOperation.OperationType.DELETE, new State<String>("t1")));
      operations.add(new TransactionalStateOperation<>(
          TransactionalStateOperation.OperationType.UPSERT, new State<>("t2", "new", "")));
      dapr.executeStateTransaction("store", operations).block();
      expect(dapr.getState("store", "t1", String.class).block().getValue(), null);
      expect(dapr.getState("store", "t2", String.class).block().getValue(), "new");
    });
    all.put("state-bulk", () -> {
      List<State<?>> states = List.of(new State<>("b1", "one", ""), new State<>("b2", "two", ""));
      dapr.saveBulkState("store", states).block();
      List<State<String>> found =
          dapr.getBulkState("store", List.of("b1", "b2", "none"), String.class).block();
      Map<String, String> byKey = found.stream()
          .collect(Collectors.toMap(State::getKey, state -> String.valueOf(state.getValue())));
      expect(byKey, Map.of("b1", "one", "b2", "two", "none", "null"));
    });
    all.put("publish", () -> {
      dapr.publishEvent("pubsub", "orders", Map.of("id", 7)).block();
      expect(next("order"), "{\"id\":7}");
    });
    all.put("publish-bulk", () -> {
      List<Map<String, Integer>> events = List.of(Map.of("id", 8), Map.of("id", 9));
      expect(
          preview.publishEvents("pubsub", "orders", "application/json", events)
              .block().getFailedEntries().size(),
          0);
      expect(
          List.of(next("order"), next("order")).stream().sorted().collect(Collectors.toList()),
          List.of("{\"id\":8}", "{\"id\":9}"));
    });
    all.put("subscribe-stream", () -> {
      BlockingQueue<Object> seen = new LinkedBlockingQueue<>();
      SubscriptionListener<Map<String, Integer>> listener = new SubscriptionListener<>() {
        @Override
        public Mono<Status> onEvent(CloudEvent<Map<String, Integer>> event) {
          seen.add(event.getData());
          return Mono.just(Status.SUCCESS);
        }

        @Override
        public void onError(RuntimeException error) {
          seen.add(error);
        }
      };
      TypeRef<Map<String, Integer>> type = new TypeRef<>() {};
      try (var subscription = preview.subscribeToEvents("pubsub", "streamed", listener, type)) {
        // The SDK does not tell when the subscription stands.
        Object event = null;
        for (int i = 0; event == null && i < WAIT_SECONDS; i++) {
          dapr.publishEvent("pubsub", "streamed", Map.of("id", 10)).block();
          event = seen.poll(1, TimeUnit.SECONDS);
        }
        expect(event, Map.of("id", 10));
      }
    });
    all.put("invoke", () -> {
      Map<?, ?> answer =
          dapr.invokeMethod("sdk", "echo", Map.of("say", "hi"), HttpExtension.POST, Map.class).block();
      expect(answer, Map.of("echo", Map.of("say", "hi")));
    });
    all.put("actor-call", () -> expect(counter(actors, "call").add(2).block(), 2));
    all.put("actor-state", () -> {
      expect(counter(actors, "state").add(2).block(), 2);
      expect(counter(actors, "state").add(3).block(), 5);
    });
    all.put("actor-timer", () -> {
      counter(actors, "timer").startTimer().block();
      expect(next("timer"), "from timer");
    });
    all.put("actor-reminder", () -> {
      counter(actors, "reminder").startReminder().block();
      expect(next("reminder"), "from reminder");
    });
    all.put("secret", () -> {
      Map<String, String> password = Map.of("password", "open sesame");
      expect(dapr.getSecret("secrets", "password").block(), password);
      expect(
          dapr.getBulkSecret("secrets").block(),
          Map.of("password", password, "user", Map.of("user", "ali")));
    });
    all.put("configuration", () -> {
      var item = dapr.getConfiguration("config", "colour").block();
      expect(item.getValue() + " " + item.getVersion(), "blue 1");
    });
    all.put("configuration-subscribe", () -> {
      BlockingQueue<String> seen = new LinkedBlockingQueue<>();
      var running = dapr.subscribeConfiguration("config", "colour").subscribe(change -> {
        var item = change.getItems().get("colour");
        if (item != null) seen.add(item.getValue());
      });
      say("ask", "change");
      String value = seen.poll(WAIT_SECONDS, TimeUnit.SECONDS);
      running.dispose();
      expect(value != null && value.startsWith("shade "), true);
    });
    all.put("lock", () -> {
      expect(preview.tryLock("lock", "till", "ann", 60).block(), true);
      expect(preview.tryLock("lock", "till", "bob", 60).block(), false);
      expect(preview.unlock("lock", "till", "bob").block().getCode(), 2);
      expect(preview.unlock("lock", "till", "ann").block().getCode(), 0);
      expect(preview.unlock("lock", "till", "ann").block().getCode(), 1);
    });
    all.put("job", () -> {
      Instant soon = Instant.now().plusSeconds(1);
      preview.scheduleJob(new ScheduleJobRequest("remember", soon).setData(bytes("{\"a\":1}"))).block();
      next("job");
      Instant late = Instant.now().plusSeconds(3600);
      preview.scheduleJob(new ScheduleJobRequest("forget", late).setData(bytes("{}"))).block();
      expect(preview.getJob(new GetJobRequest("forget")).block().getName(), "forget");
      preview.deleteJob(new DeleteJobRequest("forget")).block();
      refused(preview.getJob(new GetJobRequest("forget")));
    });
    all.put("output-binding", () -> {
      Map<String, String> metadata = Map.of("fileName", "note.txt");
      dapr.invokeBinding("files", "create", bytes("a note"), metadata).block();
      byte[] note = dapr.invokeBinding("files", "get", bytes(""), metadata).block();
      expect(new String(note, StandardCharsets.UTF_8), "a note");
    });
    all.put("input-binding", () -> next("tick"));
    all.put("metadata", () -> {
      var found = dapr.getMetadata().block();
      expect(found.getId(), "sdk");
      expect(found.getComponents().size() >= 7, true);
    });
    return all;
  }

  public static void main(String[] arguments) throws Exception {
    for (String name : List.of("order", "tick", "job", "timer", "reminder")) {
      ARRIVED.put(name, new LinkedBlockingQueue<>());
    }
    ActorRuntime.getInstance().registerActor(CounterImpl.class);
    int port = Integer.parseInt(System.getenv("APP_PORT"));
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
    server.createContext("/", Main::serve);
    server.setExecutor(Executors.newCachedThreadPool());
    server.start();
    say("scenario", "crypto", "ok", false, "error", "no API for it");
    DaprClientBuilder builder = new DaprClientBuilder();
    try (DaprClient dapr = builder.build();
        DaprPreviewClient preview = builder.buildPreviewClient();
        ActorClient actors = new ActorClient()) {
      dapr.waitForSidecar(30_000).block();
      for (Map.Entry<String, Scenario> one : scenarios(dapr, preview, actors).entrySet()) {
        try {
          one.getValue().run();
          say("scenario", one.getKey(), "ok", true);
        } catch (Exception error) {
          say("scenario", one.getKey(), "ok", false, "error", String.valueOf(error));
        }
      }
    }
    System.exit(0);
  }
}
