package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const variants = 1000

// Requests are bytes made before; `{i}` in path and body counts from 0 to 999.
func httpLoad(args []string) {
	flags := flag.NewFlagSet("http", flag.ExitOnError)
	address := flags.String("address", "", "host:port")
	verb := flags.String("verb", "GET", "")
	path := flags.String("path", "/", "")
	body := flags.String("body", "", "")
	status := flags.Int("status", 200, "what an answer must have")
	connections := flags.Int("connections", 32, "")
	rate := flags.Float64("rate", 0, "requests a second; 0: as many as are answered")
	length := flags.Duration("length", time.Second, "")
	_ = flags.Parse(args)
	requests := make([][]byte, variants)
	for at := range requests {
		number := strconv.Itoa(at)
		content := strings.ReplaceAll(*body, "{i}", number)
		requests[at] = fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			*verb, strings.ReplaceAll(*path, "{i}", number), *address, len(content), content)
	}
	callers := make([]caller, *connections)
	for at := range callers {
		connection, err := net.Dial("tcp", *address)
		if err != nil {
			fail("%v", err)
		}
		reader := bufio.NewReader(connection)
		callers[at] = func(number int64) error {
			if _, err := connection.Write(requests[number%variants]); err != nil {
				return err
			}
			answer, err := http.ReadResponse(reader, nil)
			if err != nil {
				return err
			}
			var text bytes.Buffer
			_, err = io.Copy(&text, answer.Body)
			answer.Body.Close()
			if err == nil && answer.StatusCode != *status {
				err = fmt.Errorf("status %d: %.300s", answer.StatusCode, text.String())
			}
			return err
		}
	}
	drive(callers, *rate, *length)
}
