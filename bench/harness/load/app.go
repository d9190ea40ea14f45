package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"google.golang.org/grpc"
)

// An app that hosts the actor type Bare, subscribes to the topic news, and
// answers everything else with what it was sent; over gRPC any unary method.
func app(args []string) {
	flags := flag.NewFlagSet("app", flag.ExitOnError)
	httpAddress := flags.String("http", "127.0.0.1:0", "")
	grpcAddress := flags.String("grpc", "127.0.0.1:0", "")
	_ = flags.Parse(args)
	var events atomic.Int64
	mux := http.NewServeMux()
	answer := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, text)
		}
	}
	mux.HandleFunc("GET /dapr/config", answer(`{"entities":["Bare"]}`))
	mux.HandleFunc("GET /dapr/subscribe", answer(`[{"pubsubname":"pubsub","topic":"news","route":"/news"}]`))
	mux.HandleFunc("POST /news", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		events.Add(1)
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, events.Load()) })
	mux.HandleFunc("/actors/", answer("1"))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(w, r.Body)
	})
	open := func(address string) net.Listener {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			fail("%v", err)
		}
		return listener
	}
	overHTTP, overGRPC := open(*httpAddress), open(*grpcAddress)
	echo := func(_ any, stream grpc.ServerStream) error {
		var message []byte
		if err := stream.RecvMsg(&message); err != nil {
			return err
		}
		return stream.SendMsg(&message)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(raw{}), grpc.UnknownServiceHandler(echo))
	fmt.Printf("{\"http\":%d,\"grpc\":%d}\n", overHTTP.Addr().(*net.TCPAddr).Port, overGRPC.Addr().(*net.TCPAddr).Port)
	go func() { fail("%v", server.Serve(overGRPC)) }()
	fail("%v", http.Serve(overHTTP, mux))
}
