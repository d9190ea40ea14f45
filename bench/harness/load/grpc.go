package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"flag"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// Messages as their bytes.
type raw struct{}

func (raw) Name() string                           { return "proto" }
func (raw) Marshal(message any) ([]byte, error)    { return *message.(*[]byte), nil }
func (raw) Unmarshal(bytes []byte, into any) error { *into.(*[]byte) = bytes; return nil }

// Unary calls; the messages are lines of base64 in a file, taken in turn.
func grpcLoad(args []string) {
	flags := flag.NewFlagSet("grpc", flag.ExitOnError)
	address := flags.String("address", "", "host:port")
	method := flags.String("method", "", "/package.Service/Method")
	messages := flags.String("messages", "", "a file with a message in base64 on each line")
	headers := flags.String("metadata", "", "key:value, divided by commas")
	connections := flags.Int("connections", 4, "")
	calls := flags.Int("calls", 8, "at a time, on each connection")
	rate := flags.Float64("rate", 0, "requests a second; 0: as many as are answered")
	length := flags.Duration("length", time.Second, "")
	_ = flags.Parse(args)
	file, err := os.Open(*messages)
	if err != nil {
		fail("%v", err)
	}
	var requests [][]byte
	for lines := bufio.NewScanner(file); lines.Scan(); {
		bytes, err := base64.StdEncoding.DecodeString(lines.Text())
		if err != nil {
			fail("%v", err)
		}
		requests = append(requests, bytes)
	}
	sent := context.Background()
	for pair := range strings.SplitSeq(*headers, ",") {
		if key, value, found := strings.Cut(pair, ":"); found {
			sent = metadata.AppendToOutgoingContext(sent, key, value)
		}
	}
	var callers []caller
	for range *connections {
		connection, err := grpc.NewClient("passthrough:///"+*address,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
		if err != nil {
			fail("%v", err)
		}
		for range *calls {
			callers = append(callers, func(number int64) error {
				var answer []byte
				return connection.Invoke(sent, *method, &requests[number%int64(len(requests))], &answer)
			})
		}
	}
	drive(callers, *rate, *length)
}
