// The clients of one process on etcd's Go library, set up as kube-apiserver sets it up. Argument: the plan as
// JSON. Reads `quiet` and `stop`, a line each, from stdin; says what `Telling` of go-library.ts has on
// stdout, a line of JSON each. Ends with 0 after `stop`, and with 1 when stdin ends before that.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/clientv3"
	pb "go.etcd.io/etcd/etcdserver/etcdserverpb"
	"go.etcd.io/etcd/pkg/logutil"
	"go.etcd.io/etcd/pkg/transport"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/stats"
)

// All times are ms.
var plan struct {
	URL string
	TLS *struct{ CA, Cert, Key string }
	// Of the keys that are put, read and swapped, and how many there are.
	Prefix    string
	Registers int
	// Of one client each.
	Callers []string
	Lease   struct {
		Name, Key string
		TTL       int64 // s
	}
	Pace, Deadline float64
	Seed           int64
	// What the clock of records is ahead of the monotonic clock, and how far off that may be.
	Clock struct{ Ahead, Within float64 }
}

const (
	pauseAfterFailure = 100 * time.Millisecond
	// How long the library may take to close a client.
	farewell = time.Second
)

var quiet = make(chan struct{})

type said map[string]interface{}

func main() {
	if err := json.Unmarshal([]byte(os.Args[1]), &plan); err != nil {
		panic(err)
	}
	var callers, all sync.WaitGroup
	for index, name := range plan.Callers {
		callers.Add(1)
		go call(name, index%plan.Registers, callers.Done)
	}
	ctx, cancel := context.WithCancel(context.Background())
	all.Add(1)
	go holdOn(ctx, all.Done)
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		switch orders.Text() {
		case "quiet":
			close(quiet)
			go func() {
				callers.Wait()
				say(said{"kind": "quiet"})
			}()
		case "stop":
			cancel()
			go func() {
				all.Wait()
				os.Exit(0)
			}()
			time.AfterFunc(farewell, func() { os.Exit(0) })
		}
	}
	os.Exit(1)
}

// Puts, reads and swaps one register, one call at a time.
func call(name string, register int, done func()) {
	defer done()
	client := dial(name)
	if client == nil {
		return
	}
	defer client.Close()
	dice := diceOf(name)
	key := plan.Prefix + strconv.Itoa(register)
	var known interface{}
	for count := 1; !isQuiet(); count++ {
		value := fmt.Sprintf("%s:%d", name, count)
		asked := said{"kind": "call", "client": name, "key": key, "shortLived": false}
		var err error
		switch chance := dice.Float64(); {
		case chance < 0.4:
			asked["op"] = "get"
			err = get(client, key, asked)
		case chance < 0.75:
			asked["op"], asked["value"] = "put", value
			err = put(client, key, value, asked)
		default:
			asked["op"], asked["value"], asked["expected"] = "swap", value, known
			err = swap(client, key, known, value, asked)
		}
		if err != nil {
			pause(pauseAfterFailure)
			continue
		}
		if asked["op"] == "get" {
			known = asked["read"]
		} else if asked["op"] == "put" || asked["swapped"] == true {
			known = value
		}
		pause(time.Duration(plan.Pace * (0.5 + dice.Float64()) * 1e6))
	}
}

func get(client *clientv3.Client, key string, asked said) error {
	return timed(client, asked, func(ctx context.Context) (*pb.ResponseHeader, error) {
		answer, err := client.Get(ctx, key)
		if err != nil {
			return nil, err
		}
		asked["read"] = nil
		if len(answer.Kvs) > 0 {
			asked["read"] = string(answer.Kvs[0].Value)
		}
		return answer.Header, nil
	})
}

func put(client *clientv3.Client, key, value string, asked said, options ...clientv3.OpOption) error {
	return timed(client, asked, func(ctx context.Context) (*pb.ResponseHeader, error) {
		answer, err := client.Put(ctx, key, value, options...)
		if err != nil {
			return nil, err
		}
		return answer.Header, nil
	})
}

func swap(client *clientv3.Client, key string, expected interface{}, value string, asked said) error {
	condition := clientv3.Compare(clientv3.CreateRevision(key), "=", 0)
	if text, ok := expected.(string); ok {
		condition = clientv3.Compare(clientv3.Value(key), "=", text)
	}
	return timed(client, asked, func(ctx context.Context) (*pb.ResponseHeader, error) {
		answer, err := client.Txn(ctx).If(condition).Then(clientv3.OpPut(key, value)).Commit()
		if err != nil {
			return nil, err
		}
		asked["swapped"] = answer.Succeeded
		return answer.Header, nil
	})
}

// Asks, and says what became of it.
func timed(client *clientv3.Client, asked said, ask func(context.Context) (*pb.ResponseHeader, error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(plan.Deadline*1e6))
	defer cancel()
	asked["begun"] = notAfter()
	header, err := ask(ctx)
	asked["ended"] = notBefore()
	if err != nil && ctx.Err() != nil && client.ActiveConnection().GetState() != connectivity.Ready {
		// The library waits for a connection and does not say so.
		asked["error"] = "No connection established: " + err.Error()
	} else if err != nil {
		asked["error"] = err.Error()
	} else {
		asked["revision"] = header.Revision
		asked["member"] = strconv.FormatUint(header.MemberId, 10)
	}
	say(asked)
	return err
}

// One client with a watch and a lease, as a server that holds on to the store.
func holdOn(ctx context.Context, done func()) {
	defer done()
	client := dial(plan.Lease.Name)
	if client == nil {
		return
	}
	defer client.Close()
	var both sync.WaitGroup
	both.Add(2)
	go func() { defer both.Done(); watch(ctx, client) }()
	go func() { defer both.Done(); keepLease(ctx, client) }()
	both.Wait()
}

// From a revision that a read has told, as kube-apiserver lists and watches. The library takes it up again when a
// connection ends; it gives it up where the member has no leader.
func watch(ctx context.Context, client *clientv3.Client) {
	next := int64(0)
	for next == 0 && ctx.Err() == nil {
		asked, cancel := context.WithTimeout(ctx, time.Duration(plan.Deadline*1e6))
		if answer, err := client.Get(asked, plan.Prefix); err == nil {
			next = answer.Header.Revision + 1
			say(said{"kind": "watching", "from": next})
		}
		cancel()
	}
	for ctx.Err() == nil {
		asked, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
		options := []clientv3.OpOption{clientv3.WithPrefix(), clientv3.WithRev(next), clientv3.WithPrevKV()}
		for answer := range client.Watch(asked, plan.Prefix, options...) {
			if answer.CompactRevision != 0 {
				say(said{"kind": "compacted", "revision": answer.CompactRevision})
				cancel()
				return
			}
			at := notBefore()
			for _, event := range answer.Events {
				next = event.Kv.ModRevision + 1
				say(said{
					"kind": "event", "type": strings.ToLower(event.Type.String()), "at": at,
					"revision": event.Kv.ModRevision, "key": string(event.Kv.Key), "value": string(event.Kv.Value),
				})
			}
		}
		cancel()
		time.Sleep(pauseAfterFailure)
	}
}

var (
	expired = make(chan struct{})
	once    sync.Once
)

// The library closes the channel when the lease has expired, or when it has not been answered for so long that it may
// have; then we ask on, since only an answer is certain. Answers are said by `listen`.
func keepLease(ctx context.Context, client *clientv3.Client) {
	id := grant(client)
	for id != 0 && ctx.Err() == nil {
		answers, _ := client.KeepAlive(ctx, id)
		for range answers {
		}
		select {
		case <-expired:
			return
		case <-time.After(pauseAfterFailure):
		}
	}
}

func grant(client *clientv3.Client) clientv3.LeaseID {
	name, key := plan.Lease.Name, plan.Lease.Key
	for count := 1; !isQuiet(); count++ {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(plan.Deadline*1e6))
		granted, err := client.Grant(ctx, plan.Lease.TTL)
		cancel()
		if err == nil {
			value := fmt.Sprintf("%s:%d", name, count)
			asked := said{"kind": "call", "client": name, "op": "put", "key": key, "value": value, "shortLived": false}
			if put(client, key, value, asked, clientv3.WithLease(granted.ID)) == nil {
				say(said{"kind": "granted", "ttl": granted.TTL})
				return granted.ID
			}
		}
		pause(pauseAfterFailure)
	}
	return 0
}

// Nil where all are to be quiet before a connection stands.
func dial(name string) *clientv3.Client {
	logging := logutil.DefaultZapLoggerConfig
	// What it retries is of no interest, and stderr is for last words.
	logging.Level = zap.NewAtomicLevelAt(zap.DPanicLevel)
	config := clientv3.Config{
		Endpoints:            []string{plan.URL},
		DialTimeout:          20 * time.Second,
		DialKeepAliveTime:    30 * time.Second,
		DialKeepAliveTimeout: 10 * time.Second,
		DialOptions: []grpc.DialOption{
			grpc.WithBlock(), grpc.WithChainStreamInterceptor(listen), grpc.WithStatsHandler(&sockets{client: name}),
		},
		LogConfig: &logging,
	}
	if plan.TLS != nil {
		files := transport.TLSInfo{CertFile: plan.TLS.Cert, KeyFile: plan.TLS.Key, TrustedCAFile: plan.TLS.CA}
		tls, err := files.ClientConfig()
		if err != nil {
			panic(err)
		}
		config.TLS = tls
	}
	made := make(chan *clientv3.Client, 1)
	go func() {
		for !isQuiet() {
			if client, err := clientv3.New(config); err == nil {
				made <- client
				return
			}
			pause(pauseAfterFailure)
		}
	}()
	select {
	case client := <-made:
		return client
	case <-quiet:
		return nil
	}
}

// A stream whose messages we see, since the library does not say when it asks for a lease to live on, and when it
// takes a watch up again. A member answers keep-alives of one stream in their order.
type stream struct {
	grpc.ClientStream
	mutex sync.Mutex
	asked []float64
}

func listen(
	ctx context.Context, desc *grpc.StreamDesc, connection *grpc.ClientConn, method string,
	open grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	opened, err := open(ctx, desc, connection, method, options...)
	return &stream{ClientStream: opened}, err
}

func (s *stream) SendMsg(message interface{}) error {
	if _, ok := message.(*pb.LeaseKeepAliveRequest); ok {
		s.mutex.Lock()
		s.asked = append(s.asked, notAfter())
		s.mutex.Unlock()
	}
	return s.ClientStream.SendMsg(message)
}

func (s *stream) RecvMsg(message interface{}) error {
	err := s.ClientStream.RecvMsg(message)
	if err != nil {
		return err
	}
	switch answer := message.(type) {
	case *pb.WatchResponse:
		if answer.Created && !answer.Canceled {
			say(said{"kind": "created", "at": notBefore()})
		}
	case *pb.LeaseKeepAliveResponse:
		s.keptAlive(answer.TTL)
	}
	return nil
}

func (s *stream) keptAlive(ttl int64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if ttl <= 0 {
		say(said{"kind": "expired", "at": notBefore()})
		once.Do(func() { close(expired) })
	} else if len(s.asked) > 0 {
		say(said{"kind": "answered", "asked": s.asked[0], "at": notBefore(), "ttl": ttl})
		s.asked = s.asked[1:]
	}
}

// Says when connections of a client begin and end, those of TLS after their handshake.
type sockets struct{ client string }

type socketKey struct{}

var socketCount int64

func (s *sockets) TagConn(ctx context.Context, about *stats.ConnTagInfo) context.Context {
	port := 0
	if address, ok := about.LocalAddr.(*net.TCPAddr); ok {
		port = address.Port
	}
	number := atomic.AddInt64(&socketCount, 1)
	say(said{"kind": "opened", "socket": number, "client": s.client, "port": port, "at": notAfter()})
	return context.WithValue(ctx, socketKey{}, number)
}

func (s *sockets) HandleConn(ctx context.Context, what stats.ConnStats) {
	if _, ok := what.(*stats.ConnEnd); ok {
		say(said{"kind": "closed", "socket": ctx.Value(socketKey{}), "at": notBefore()})
	}
}

func (s *sockets) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (s *sockets) HandleRPC(context.Context, stats.RPCStats)                       {}

// Now on the clock of records, ms; not after and not before the true time on it. Of the clock that all processes of a
// machine share, which nobody sets.
func notAfter() float64  { return monotonic() + (plan.Clock.Ahead - plan.Clock.Within) }
func notBefore() float64 { return monotonic() + (plan.Clock.Ahead + plan.Clock.Within) }

func monotonic() float64 {
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &at); err != nil {
		panic(err)
	}
	return float64(at.Sec)*1e3 + float64(at.Nsec)/1e6
}

// The same for the same seed and name.
func diceOf(name string) *rand.Rand {
	hash := fnv.New32a()
	hash.Write([]byte(name))
	return rand.New(rand.NewSource(plan.Seed<<32 ^ int64(hash.Sum32())))
}

func isQuiet() bool {
	select {
	case <-quiet:
		return true
	default:
		return false
	}
}

// Waits, or until all are to be quiet.
func pause(length time.Duration) {
	select {
	case <-time.After(length):
	case <-quiet:
	}
}

var writing sync.Mutex

func say(what said) {
	line, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	writing.Lock()
	defer writing.Unlock()
	os.Stdout.Write(append(line, '\n'))
}
