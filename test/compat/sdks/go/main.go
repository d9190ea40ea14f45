// The scenarios by Dapr's Go SDK; its app side is the SDK's HTTP service.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/dapr/go-sdk/actor"
	"github.com/dapr/go-sdk/client"
	"github.com/dapr/go-sdk/service/common"
	daprd "github.com/dapr/go-sdk/service/http"
	"github.com/go-chi/chi/v5"
	"google.golang.org/protobuf/types/known/anypb"
)

type line map[string]any

func say(l line) {
	text, _ := json.Marshal(l)
	fmt.Println(string(text))
}

// Arrived holds what reaches the app, by name.
var arrived = map[string]chan string{
	"order": make(chan string, 100), "tick": make(chan string, 1000), "job": make(chan string, 10),
	"timer": make(chan string, 100), "reminder": make(chan string, 100),
}

func next(from chan string) (string, error) {
	select {
	case value := <-from:
		return value, nil
	case <-time.After(20 * time.Second):
		return "", fmt.Errorf("nothing for 20 s")
	}
}

func expect(found, wanted any) error {
	if reflect.DeepEqual(found, wanted) {
		return nil
	}
	return fmt.Errorf("found %v, wanted %v", found, wanted)
}

// First is the first error of several.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func refused(err error) error {
	if err == nil {
		return fmt.Errorf("it was not refused")
	}
	return nil
}

// Counter is exported because the SDK calls the methods of exported types only.
type Counter struct {
	actor.ServerImplBaseCtx
	dapr client.Client
}

func (c *Counter) Type() string { return "Counter" }

func (c *Counter) Add(ctx context.Context, by int) (int, error) {
	states := c.GetStateManager()
	count := 0
	if has, err := states.Contains(ctx, "count"); err != nil {
		return 0, err
	} else if has {
		if err = states.Get(ctx, "count", &count); err != nil {
			return 0, err
		}
	}
	count += by
	return count, states.Set(ctx, "count", count)
}

func (c *Counter) StartTimer(ctx context.Context) error {
	return c.dapr.RegisterActorTimer(ctx, &client.RegisterActorTimerRequest{
		ActorType: c.Type(), ActorID: c.ID(), Name: "timer", CallBack: "OnTimer",
		DueTime: "100ms", Period: "100ms", Data: []byte(`"from timer"`),
	})
}

func (c *Counter) OnTimer(ctx context.Context, data string) error {
	arrived["timer"] <- data
	return c.dapr.UnregisterActorTimer(ctx, &client.UnregisterActorTimerRequest{
		ActorType: c.Type(), ActorID: c.ID(), Name: "timer",
	})
}

func (c *Counter) StartReminder(ctx context.Context) error {
	return c.dapr.RegisterActorReminder(ctx, &client.RegisterActorReminderRequest{
		ActorType: c.Type(), ActorID: c.ID(), Name: "reminder",
		DueTime: "100ms", Period: "1s", Data: []byte(`"from reminder"`),
	})
}

func (c *Counter) ReminderCall(name string, data []byte, _, _ string) {
	_ = c.dapr.UnregisterActorReminder(context.Background(), &client.UnregisterActorReminderRequest{
		ActorType: c.Type(), ActorID: c.ID(), Name: name,
	})
	arrived["reminder"] <- string(data)
}

// Proxy is the typed caller that the SDK fills in.
type proxy struct {
	id            string
	Add           func(context.Context, int) (int, error)
	StartTimer    func(context.Context) error
	StartReminder func(context.Context) error
}

func (p *proxy) Type() string { return "Counter" }
func (p *proxy) ID() string   { return p.id }

type scenario struct {
	name string
	run  func(context.Context, client.Client) error
}

func ref(dapr client.Client, id string) *proxy {
	p := &proxy{id: id}
	dapr.ImplActorClientStub(p)
	return p
}

func valueOf(ctx context.Context, dapr client.Client, key string) (string, string, error) {
	item, err := dapr.GetState(ctx, "store", key, nil)
	if err != nil {
		return "", "", err
	}
	return string(item.Value), item.Etag, nil
}

var firstWrite = client.WithConcurrency(client.StateConcurrencyFirstWrite)

func state(ctx context.Context, dapr client.Client) error {
	err := dapr.SaveState(ctx, "store", "a", []byte(`{"n":1}`), nil)
	value, _, err2 := valueOf(ctx, dapr, "a")
	err3 := dapr.DeleteState(ctx, "store", "a", nil)
	gone, _, err4 := valueOf(ctx, dapr, "a")
	return first(err, err2, err3, err4, expect(value, `{"n":1}`), expect(gone, ""))
}

func stateEtag(ctx context.Context, dapr client.Client) error {
	err := dapr.SaveState(ctx, "store", "e", []byte("one"), nil)
	_, etag, err2 := valueOf(ctx, dapr, "e")
	err3 := dapr.SaveStateWithETag(ctx, "store", "e", []byte("two"), etag, nil, firstWrite)
	stale := dapr.SaveStateWithETag(ctx, "store", "e", []byte("x"), etag, nil, firstWrite)
	value, now, err4 := valueOf(ctx, dapr, "e")
	options := &client.StateOptions{Concurrency: client.StateConcurrencyFirstWrite}
	late := dapr.DeleteStateWithETag(ctx, "store", "e", &client.ETag{Value: etag}, nil, options)
	err5 := dapr.DeleteStateWithETag(ctx, "store", "e", &client.ETag{Value: now}, nil, options)
	return first(err, err2, err3, err4, err5, refused(stale), refused(late), expect(value, "two"))
}

func stateTransaction(ctx context.Context, dapr client.Client) error {
	err := dapr.SaveState(ctx, "store", "t1", []byte("old"), nil)
	err2 := dapr.ExecuteStateTransaction(ctx, "store", nil, []*client.StateOperation{
		{Type: client.StateOperationTypeDelete, Item: &client.SetStateItem{Key: "t1"}},
		{Type: client.StateOperationTypeUpsert, Item: &client.SetStateItem{Key: "t2", Value: []byte("new")}},
	})
	gone, _, err3 := valueOf(ctx, dapr, "t1")
	value, _, err4 := valueOf(ctx, dapr, "t2")
	return first(err, err2, err3, err4, expect(gone, ""), expect(value, "new"))
}

func stateBulk(ctx context.Context, dapr client.Client) error {
	err := dapr.SaveBulkState(ctx, "store",
		&client.SetStateItem{Key: "b1", Value: []byte("one")},
		&client.SetStateItem{Key: "b2", Value: []byte("two")})
	items, err2 := dapr.GetBulkState(ctx, "store", []string{"b1", "b2", "none"}, nil, 2)
	found := map[string]string{}
	for _, item := range items {
		found[item.Key] = string(item.Value)
	}
	return first(err, err2, expect(found, map[string]string{"b1": "one", "b2": "two", "none": ""}))
}

func publish(ctx context.Context, dapr client.Client) error {
	err := dapr.PublishEvent(ctx, "pubsub", "orders", map[string]int{"id": 7})
	order, err2 := next(arrived["order"])
	return first(err, err2, expect(order, `{"id":7}`))
}

func publishBulk(ctx context.Context, dapr client.Client) error {
	events := []any{map[string]int{"id": 8}, map[string]int{"id": 9}}
	answer := dapr.PublishEvents(ctx, "pubsub", "orders", events)
	one, err := next(arrived["order"])
	other, err2 := next(arrived["order"])
	both := []string{one, other}
	sort.Strings(both)
	return first(answer.Error, err, err2, expect(both, []string{`{"id":8}`, `{"id":9}`}))
}

func subscribeStream(ctx context.Context, dapr client.Client) error {
	seen := make(chan string, 10)
	options := client.SubscriptionOptions{PubsubName: "pubsub", Topic: "streamed"}
	stop, err := dapr.SubscribeWithHandler(ctx, options,
		func(event *common.TopicEvent) common.SubscriptionResponseStatus {
			seen <- string(event.RawData)
			return common.SubscriptionResponseStatusSuccess
		})
	if err != nil {
		return err
	}
	err = dapr.PublishEvent(ctx, "pubsub", "streamed", map[string]int{"id": 10})
	event, err2 := next(seen)
	return first(err, err2, stop(), expect(event, `{"id":10}`))
}

func invoke(ctx context.Context, dapr client.Client) error {
	content := &client.DataContent{Data: []byte(`{"say":"hi"}`), ContentType: "application/json"}
	answer, err := dapr.InvokeMethodWithContent(ctx, "sdk", "echo", "post", content)
	return first(err, expect(string(answer), `{"echo":{"say":"hi"}}`))
}

func actorCall(ctx context.Context, dapr client.Client) error {
	count, err := ref(dapr, "call").Add(ctx, 2)
	return first(err, expect(count, 2))
}

func actorState(ctx context.Context, dapr client.Client) error {
	_, err := ref(dapr, "state").Add(ctx, 2)
	count, err2 := ref(dapr, "state").Add(ctx, 3)
	return first(err, err2, expect(count, 5))
}

func actorTimer(ctx context.Context, dapr client.Client) error {
	err := ref(dapr, "timer").StartTimer(ctx)
	data, err2 := next(arrived["timer"])
	return first(err, err2, expect(data, "from timer"))
}

func actorReminder(ctx context.Context, dapr client.Client) error {
	err := ref(dapr, "reminder").StartReminder(ctx)
	data, err2 := next(arrived["reminder"])
	return first(err, err2, expect(data, `"from reminder"`))
}

func secret(ctx context.Context, dapr client.Client) error {
	one, err := dapr.GetSecret(ctx, "secrets", "password", nil)
	all, err2 := dapr.GetBulkSecret(ctx, "secrets", nil)
	password := map[string]string{"password": "open sesame"}
	wanted := map[string]map[string]string{"password": password, "user": {"user": "ali"}}
	return first(err, err2, expect(one, password), expect(all, wanted))
}

func configuration(ctx context.Context, dapr client.Client) error {
	item, err := dapr.GetConfigurationItem(ctx, "config", "colour")
	if err != nil {
		return err
	}
	return expect([]string{item.Value, item.Version}, []string{"blue", "1"})
}

func configurationSubscribe(ctx context.Context, dapr client.Client) error {
	seen := make(chan string, 1000)
	handle := func(_ string, items map[string]*client.ConfigurationItem) {
		if item := items["colour"]; item != nil {
			seen <- item.Value
		}
	}
	id, err := dapr.SubscribeConfigurationItems(ctx, "config", []string{"colour"}, handle)
	if err != nil {
		return err
	}
	say(line{"ask": "change"})
	value, err := next(seen)
	if err == nil && !strings.HasPrefix(value, "shade ") {
		err = fmt.Errorf("it is %s", value)
	}
	return first(err, dapr.UnsubscribeConfigurationItems(ctx, "config", id))
}

func lock(ctx context.Context, dapr client.Client) error {
	take := func(owner string) (bool, error) {
		answer, err := dapr.TryLockAlpha1(ctx, "lock", &client.LockRequest{
			ResourceID: "till", LockOwner: owner, ExpiryInSeconds: 60,
		})
		if err != nil {
			return false, err
		}
		return answer.Success, nil
	}
	ann, err := take("ann")
	bob, err2 := take("bob")
	statuses := []string{}
	for _, owner := range []string{"bob", "ann", "ann"} {
		answer, err := dapr.UnlockAlpha1(ctx, "lock", &client.UnlockRequest{ResourceID: "till", LockOwner: owner})
		if err != nil {
			return err
		}
		statuses = append(statuses, answer.Status)
	}
	wanted := []string{"LOCK_BELONGS_TO_OTHERS", "SUCCESS", "LOCK_DOES_NOT_EXIST"}
	return first(err, err2, expect([]bool{ann, bob}, []bool{true, false}), expect(statuses, wanted))
}

func job(ctx context.Context, dapr client.Client) error {
	data := &anypb.Any{Value: []byte(`{"what":"tea"}`)}
	err := dapr.ScheduleJobAlpha1(ctx, &client.Job{Name: "remember", DueTime: "1s", Data: data})
	found, err2 := dapr.GetJobAlpha1(ctx, "remember")
	if err = first(err, err2); err != nil {
		return err
	}
	_, err = next(arrived["job"])
	err2 = dapr.ScheduleJobAlpha1(ctx, &client.Job{Name: "forget", DueTime: "1h", Data: data})
	err3 := dapr.DeleteJobAlpha1(ctx, "forget")
	_, gone := dapr.GetJobAlpha1(ctx, "forget")
	return first(err, err2, err3, refused(gone), expect(found.Name, "remember"))
}

func crypto(ctx context.Context, dapr client.Client) error {
	sealing, err := dapr.Encrypt(ctx, strings.NewReader("a secret"), client.EncryptOptions{
		ComponentName: "keys", KeyName: "key", KeyWrapAlgorithm: "A256KW",
	})
	if err != nil {
		return err
	}
	sealed, err := io.ReadAll(sealing)
	if err != nil {
		return err
	}
	opening, err := dapr.Decrypt(ctx, bytes.NewReader(sealed), client.DecryptOptions{
		ComponentName: "keys", KeyName: "key",
	})
	if err != nil {
		return err
	}
	opened, err := io.ReadAll(opening)
	hidden := !bytes.Contains(sealed, []byte("a secret"))
	return first(err, expect(hidden, true), expect(string(opened), "a secret"))
}

func outputBinding(ctx context.Context, dapr client.Client) error {
	metadata := map[string]string{"fileName": "note.txt"}
	write := &client.InvokeBindingRequest{
		Name: "files", Operation: "create", Data: []byte("a note"), Metadata: metadata,
	}
	read := &client.InvokeBindingRequest{Name: "files", Operation: "get", Metadata: metadata}
	if err := dapr.InvokeOutputBinding(ctx, write); err != nil {
		return err
	}
	note, err := dapr.InvokeBinding(ctx, read)
	if err != nil {
		return err
	}
	return expect(string(note.Data), "a note")
}

func inputBinding(context.Context, client.Client) error {
	_, err := next(arrived["tick"])
	return err
}

func metadata(ctx context.Context, dapr client.Client) error {
	err := dapr.SetMetadata(ctx, "colour", "red")
	found, err2 := dapr.GetMetadata(ctx)
	if err = first(err, err2); err != nil {
		return err
	}
	facts := []any{found.ID, found.ExtendedMetadata["colour"], len(found.RegisteredComponents) >= 7}
	return expect(facts, []any{"sdk", "red", true})
}

var scenarios = []scenario{
	{"state", state}, {"state-etag", stateEtag}, {"state-transaction", stateTransaction},
	{"state-bulk", stateBulk}, {"publish", publish}, {"publish-bulk", publishBulk},
	{"subscribe-stream", subscribeStream}, {"invoke", invoke}, {"actor-call", actorCall},
	{"actor-state", actorState}, {"actor-timer", actorTimer}, {"actor-reminder", actorReminder},
	{"secret", secret}, {"configuration", configuration},
	{"configuration-subscribe", configurationSubscribe}, {"lock", lock}, {"job", job},
	{"crypto", crypto}, {"output-binding", outputBinding}, {"input-binding", inputBinding},
	{"metadata", metadata},
}

func serve(dapr client.Client) error {
	// The HTTP service of this SDK takes no jobs, so the app has a route of its own for them.
	mux := chi.NewRouter()
	mux.Post("/job/remember", func(_ http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		arrived["job"] <- string(body)
	})
	service := daprd.NewServiceWithMux("127.0.0.1:"+os.Getenv("APP_PORT"), mux)
	subscription := &common.Subscription{PubsubName: "pubsub", Topic: "orders", Route: "/orders"}
	err := service.AddTopicEventHandler(subscription,
		func(_ context.Context, event *common.TopicEvent) (bool, error) {
			arrived["order"] <- string(event.RawData)
			return false, nil
		})
	err2 := service.AddBindingInvocationHandler("/tick",
		func(context.Context, *common.BindingEvent) ([]byte, error) {
			arrived["tick"] <- ""
			return nil, nil
		})
	err3 := service.AddServiceInvocationHandler("/echo",
		func(_ context.Context, in *common.InvocationEvent) (*common.Content, error) {
			answer := fmt.Sprintf(`{"echo":%s}`, in.Data)
			return &common.Content{Data: []byte(answer), ContentType: "application/json"}, nil
		})
	if err = first(err, err2, err3); err != nil {
		return err
	}
	service.RegisterActorImplFactoryContext(func() actor.ServerContext { return &Counter{dapr: dapr} })
	return service.Start()
}

func healthy() bool {
	answer, err := http.Get("http://127.0.0.1:" + os.Getenv("DAPR_HTTP_PORT") + "/v1.0/healthz")
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusNoContent
}

func main() {
	dapr, err := client.NewClient()
	if err != nil {
		panic(err)
	}
	go func() { panic(serve(dapr)) }()
	for !healthy() {
		time.Sleep(50 * time.Millisecond)
	}
	for _, one := range scenarios {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		err := one.run(ctx, dapr)
		cancel()
		if err == nil {
			say(line{"scenario": one.name, "ok": true})
		} else {
			say(line{"scenario": one.name, "ok": false, "error": err.Error()})
		}
	}
}
